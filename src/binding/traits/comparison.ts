/** Comparing: what is different between a session's fingerprint and what a request shows, and what the fingerprint becomes by it. */
import {
  AGENT_ABSENT,
  agentHashes,
  type Fingerprint,
  type Hash,
  HINTS_ABSENT,
  hintHashes,
  type TraitHashes,
  takenAnew,
  withPlace,
} from './fingerprint.ts'
import type { Observation } from './observation.ts'
import type { Change } from './policy.ts'

export interface Comparison {
  readonly changes: readonly Change[]
  /** The fingerprint with what was seen; `undefined` when there is nothing new in it. */
  readonly next: Fingerprint | undefined
}

/** A browser that was not opened for two years, with twelve versions in each, and then some. */
const MOST_VERSIONS_BACK = 100
/** What a system calls itself when the desktop site is asked for, and back. */
const OTHER_LAYOUT: Readonly<Record<string, string>> = { Android: 'Linux', Linux: 'Android', iOS: 'macOS', macOS: 'iOS' }
const MOBILE: readonly string[] = ['Android', 'iOS']
/** What Apple's systems call themselves where they fetch sound and video for a page. */
const APPLE_PLAYER = 'AppleCoreMedia'

/** Pure but for the hashes. */
export function compare(print: Fingerprint, seen: Observation, hashes: TraitHashes): Comparison {
  const hash = hashes.of(print)
  // Made by a key that has left the ring: nothing can be compared, so that it is taken anew.
  if (hash === undefined) return { changes: [], next: takenAnew(print, seen, hashes) }
  const changes = new Set<Change>()
  const learnt: Partial<Fingerprint> = {
    ...comparedAgent(print, seen, hash, changes),
    ...comparedHints(print, seen, hash, changes),
    ...comparedPlace(print, seen, hash, changes),
    absent: absences(print, seen, changes),
  }
  if (print.keyId !== hashes.newestKeyId && isComplete(print, seen) && !isPlayerOf(print, seen.agent, hash))
    return { changes: [...changes], next: takenAnew(print, seen, hashes) }
  const isNews = Object.entries(learnt).some(([name, value]) => print[name as keyof Fingerprint] !== value)
  const next = isNews ? { ...print, ...learnt, whole: hash('whole', seen.text) } : undefined
  return { changes: [...changes], next }
}

/**
 * Whether it is the player of this session's own browser: of Safari, or of any browser on iOS. It says nothing of that browser, and whoever
 * pretends to be it could as well have copied the browser's name.
 */
function isPlayerOf(print: Fingerprint, agent: Observation['agent'], hash: Hash): boolean {
  if (agent?.family !== APPLE_PLAYER) return false
  return print.os === hash('os', 'iOS') || (print.os === hash('os', 'macOS') && print.browser === hash('browser', 'Safari'))
}

/** Whether this request shows all that the fingerprint has, so that it can be made again under another key. */
function isComplete(print: Fingerprint, { agent, hints, place }: Observation): boolean {
  return (
    (agent !== undefined || print.browser === undefined) &&
    (hints !== undefined || print.brands === undefined) &&
    (place !== undefined || print.networks.length === 0)
  )
}

function comparedAgent(print: Fingerprint, { agent }: Observation, hash: Hash, changes: Set<Change>): Partial<Fingerprint> {
  if (agent === undefined || isPlayerOf(print, agent, hash)) return {}
  const now = agentHashes(hash, agent)
  // It said nothing of itself before.
  if (print.browser === undefined) changes.add('browser')
  else if (now.browser !== print.browser) changes.add('browser')
  else if (now.version !== print.version) {
    changes.add(isLater(agent.major, print.version!, hash) ? 'browser-update' : 'browser-downgrade')
  }
  if (print.os !== undefined && now.os !== print.os) {
    const other = OTHER_LAYOUT[agent.os]
    const isLayout = changes.size === 0 && other !== undefined && hash('os', other) === print.os
    changes.add(isLayout ? 'layout' : 'os')
  }
  return now
}

/** Versions are hashed too: whether the one of before is among those that lie behind is tried out. It happens once a change. */
function isLater(major: number, before: string, hash: Hash): boolean {
  const oldest = Math.max(0, major - MOST_VERSIONS_BACK)
  for (let version = major - 1; version >= oldest; version--) if (hash('version', version) === before) return true
  return false
}

function comparedHints(print: Fingerprint, { hints }: Observation, hash: Hash, changes: Set<Change>): Partial<Fingerprint> {
  if (hints === undefined) return {}
  const now = hintHashes(hash, hints)
  if (print.brands === undefined) {
    // Unless the session's first request was of a kind that has none.
    if (print.absent & HINTS_ABSENT) changes.add('hints-new')
    return now
  }
  if (now.brands !== print.brands) changes.add('browser')
  if (now.platform !== print.platform) {
    const other = OTHER_LAYOUT[hints.platform]
    const isLayout = other !== undefined && hash('platform', other) === print.platform && !changes.has('browser')
    if (!isLayout) changes.add('os')
    else if (!changes.has('os')) changes.add('layout')
  }
  if (now.mobile !== print.mobile && !changes.has('os')) changes.add('layout')
  return now
}

function comparedPlace(
  print: Fingerprint,
  { place, agent }: Observation,
  hash: Hash,
  changes: Set<Change>,
): Partial<Fingerprint> {
  if (place === undefined) return {}
  const network = hash('network', place.network)
  const asn = place.asn === undefined ? undefined : hash('asn', place.asn)
  const country = place.country === undefined ? undefined : hash('country', place.country)
  // A database of a later day may say another thing of the same network: nobody has moved.
  if (print.networks.length > 0 && !print.networks.includes(network)) {
    const isMobile = MOBILE.includes(agent?.os ?? '')
    changes.add(isMobile ? 'phone-network' : 'network')
    if (!isMobile && isAnother(asn, print.asns)) changes.add('asn')
    if (isAnother(country, print.countries)) changes.add('country')
  }
  return {
    networks: withPlace(print.networks, network),
    asns: asn === undefined ? print.asns : withPlace(print.asns, asn),
    countries: country === undefined ? print.countries : withPlace(print.countries, country),
  }
}

function isAnother(now: string | undefined, before: readonly string[]): boolean {
  return now !== undefined && before.length > 0 && !before.includes(now)
}

function absences(print: Fingerprint, { agent, hints, isHintable }: Observation, changes: Set<Change>): number {
  let { absent } = print
  if (agent === undefined && !(absent & AGENT_ABSENT)) {
    changes.add('agent-missing')
    absent |= AGENT_ABSENT
  }
  if (hints === undefined && isHintable && !(absent & HINTS_ABSENT)) {
    if (print.brands !== undefined) changes.add('hints-missing')
    absent |= HINTS_ABSENT
  }
  return absent
}
