/**
 * A person's profile: how often they signed in from where and with what, as two trees. Places branch from country to operator to network,
 * agents from system to browser to version. A count is worth half after half a year without another, and the rarest and oldest goes first where there
 * is no room: a profile has at most `MOST_BYTES`.
 */
import { days } from '../../core/duration.ts'
import { ROUND_TRIP_STEPS } from './client.ts'

/** A value with what was seen beneath it. */
export interface Node {
  /** How often, decayed to `at` of the profile. */
  count: number
  children: Map<string, Node>
  /** Of round trips from there, on the ladder's steps; there for operators and countries only. */
  trips?: Map<number, number> | undefined
  /** Of browsers: which version is the latest, when it was last used, and how often an earlier one was used after it. */
  versions?: Versions | undefined
}

export interface Versions {
  latest: number
  at: number
  earlier: number
}

export interface Profile {
  /** When it last learnt something, in epoch milliseconds. */
  at: number
  places: Node
  agents: Node
}

/** What is not used for so long counts half. */
const HALF_LIFE = days(180)
/** What counts less than this is as good as forgotten. */
const LEAST = 0.02
/** Children of a node at each depth: countries, operators of one, networks of one; systems, browsers of one, versions of one. */
const MOST_CHILDREN = [8, 10, 12] as const
const MOST_BYTES = 4096

export function newNode(): Node {
  return { count: 0, children: new Map() }
}

export function newProfile(at: number): Profile {
  return { at, places: newNode(), agents: newNode() }
}

/** How much is left of a count of `from` at `to`. A clock that was turned back makes nothing grow. */
export function decayBetween(from: number, to: number): number {
  return to > from ? 2 ** ((from - to) / HALF_LIFE) : 1
}

/** Brings every count to `at`, and forgets what has become nothing. */
export function age(profile: Profile, at: number): void {
  const factor = decayBetween(profile.at, at)
  profile.at = Math.max(profile.at, at)
  // Below this the next learning does it; a person who signs in all day need not be walked each time.
  if (factor === 1) return
  shrink(profile.places, factor)
  shrink(profile.agents, factor)
}

function shrink(node: Node, factor: number): void {
  node.count *= factor
  for (const [value, child] of node.children) {
    shrink(child, factor)
    if (child.count < LEAST) node.children.delete(value)
  }
  if (node.trips) for (const [step, count] of node.trips) node.trips.set(step, count * factor)
  if (node.versions) node.versions.earlier *= factor
}

/** Counts one sign-in along a path from a root. */
export function addPath(root: Node, path: readonly string[]): readonly Node[] {
  root.count++
  const nodes: Node[] = [root]
  let node = root
  for (const [depth, value] of path.entries()) {
    let child = node.children.get(value)
    if (child === undefined) {
      if (node.children.size >= MOST_CHILDREN[depth]!) dropRarest(node)
      child = newNode()
    }
    // Latest last, so that of two that are as rare the older one goes.
    node.children.delete(value)
    node.children.set(value, child)
    child.count++
    nodes.push(child)
    node = child
  }
  return nodes
}

/** Notes a version of a browser that was just counted. */
export function addVersion(node: Node, version: number, at: number): void {
  const before = node.versions
  const isEarlier = before !== undefined && version < before.latest
  node.versions = {
    latest: Math.max(version, before?.latest ?? 0),
    at: Math.max(at, before?.at ?? 0),
    earlier: (before?.earlier ?? 0) + (isEarlier ? 1 : 0),
  }
}

export function addTrip(node: Node, step: number): void {
  node.trips ??= new Map()
  node.trips.set(step, (node.trips.get(step) ?? 0) + 1)
}

function dropRarest(node: Node): void {
  let rarest: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const [value, { count }] of node.children) {
    if (count < least) {
      rarest = value
      least = count
    }
  }
  if (rarest !== undefined) node.children.delete(rarest)
}

type Packed = [count: number, children: [string, Packed][], trips?: [number, number][] | 0, versions?: [number, number, number]]

/** As bytes of at most `MOST_BYTES`. */
export function encodeProfile(profile: Profile): Buffer {
  for (let least = LEAST; ; least *= 2) {
    const bytes = Buffer.from(JSON.stringify([1, profile.at, pack(profile.places), pack(profile.agents)]))
    if (bytes.length <= MOST_BYTES) return bytes
    prune(profile.places, least)
    prune(profile.agents, least)
  }
}

function prune(node: Node, least: number): void {
  node.trips = undefined
  for (const [value, child] of node.children) {
    if (child.count < least) node.children.delete(value)
    else prune(child, least)
  }
}

/** A new one for what is no profile: damaged, or of a later version. */
export function decodeProfile(bytes: Uint8Array, at: number): Profile {
  try {
    const [version, learntAt, places, agents] = JSON.parse(Buffer.from(bytes).toString()) as [number, number, Packed, Packed]
    if (version !== 1 || !Number.isFinite(learntAt)) return newProfile(at)
    return { at: learntAt, places: unpack(places), agents: unpack(agents) }
  } catch {
    return newProfile(at)
  }
}

function pack({ count, children, trips, versions }: Node): Packed {
  const packed: Packed = [round(count), [...children].map(([value, child]) => [value, pack(child)])]
  if (trips || versions) packed.push(trips ? [...trips].map(([step, count]) => [step, round(count)]) : 0)
  if (versions) packed.push([versions.latest, versions.at, round(versions.earlier)])
  return packed
}

function unpack([count, children, trips, versions]: Packed): Node {
  const node: Node = { count: finite(count), children: new Map(children.map(([value, child]) => [value, unpack(child)])) }
  if (trips) {
    const known = trips.filter(([step]) => Number.isInteger(step) && step >= 0 && step < ROUND_TRIP_STEPS)
    node.trips = new Map(known.map(([step, count]) => [step, finite(count)]))
  }
  if (versions) node.versions = { latest: finite(versions[0]), at: finite(versions[1]), earlier: finite(versions[2]) }
  return node
}

function round(count: number): number {
  return Math.round(count * 1000) / 1000
}

function finite(count: number): number {
  return typeof count === 'number' && Number.isFinite(count) && count >= 0 ? count : 0
}
