/** Replay: what a policy would have done with what is on record, before it does anything. In memory alone, and learning as the real one does. */
import { hours } from '../../core/duration.ts'
import type { SojournEvent } from '../../core/events.ts'
import { ClientReader } from './client-reader.ts'
import { Detector } from './detector.ts'
import { keysOf } from './keeping.ts'
import { newPerson, type Person } from './person.ts'
import { type GeoDatabases, PlaceFinder } from './places.ts'
import { type AnomalyPolicy, actionFor, resolvePolicy } from './policy.ts'
import { Population } from './population.ts'
import { Floods } from './rules/floods.ts'
import { ACTIONS, type Action, type Signal, type SignalName, stricter } from './signal.ts'

/** Options of `replay`. */
export interface ReplayOptions {
  /** As in `AnomalyOptions`. */
  readonly policy?: AnomalyPolicy
  readonly geo?: GeoDatabases
  readonly mostAccounts?: number
}

/** What would have been. */
export interface ReplayReport {
  /** Sign-ins that succeeded, those that did not, events, and lines that were neither. */
  readonly signIns: number
  readonly failures: number
  readonly events: number
  readonly skipped: number
  /** Sign-ins that succeeded, by the strictest action for each; `none` for those that nothing would have been done about. */
  readonly actions: Readonly<Record<Action | 'none', number>>
  /** How often each signal led to which action. */
  readonly signals: Readonly<Partial<Record<SignalName, Readonly<Partial<Record<Action, number>>>>>>
  /** Share of successful sign-ins that would have been asked for more, or ended. */
  readonly challenged: number
  /** People concerned by that. */
  readonly people: number
}

interface Login {
  readonly subject: string
  readonly at: number
  readonly isSuccess: boolean
  readonly address?: string
  readonly userAgent?: string
  readonly roundTrip?: number
}

/** Accounts of an address within an hour; more addresses than this and the oldest are forgotten. */
const MOST_ADDRESSES = 10_000

/**
 * Runs a policy over sign-ins and events on record, and says what it would have done. Nothing else happens.
 *
 * @param lines - JSON, one record each, oldest first. A sign-in is `{ subject, at, address, userAgent, roundTrip, isSuccess }`: `at` in epoch milliseconds, the last four left out where they are not
 * known, `isSuccess` then `true`. An event is as `sessions.events` gives it. Other lines are counted as skipped.
 * @param options.policy - As for `anomalyDetection`.
 * @returns Counts alone: nobody's name is in it.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - a policy or database that cannot be.
 * @example
 * const lines = createInterface({ input: createReadStream('sign-ins.jsonl') })
 * const { challenged, signals } = await replay(lines, { policy: { 'new-device': { action: 'step-up' } } })
 */
export async function replay(
  lines: AsyncIterable<string> | Iterable<string>,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  const policy = resolvePolicy(options.policy)
  const reader = new ClientReader(new PlaceFinder(options.geo))
  const zeros = (size: number) => new Uint8Array(size)
  const detector = new Detector(new Population(keysOf(Buffer.alloc(32), zeros).hash, 0), options.mostAccounts ?? 20)
  const floods = new Floods()
  const people = new Map<string, Person>()
  const accounts = new Accounts()
  const count = { signIns: 0, failures: 0, events: 0, skipped: 0 }
  const actions = { none: 0, ...Object.fromEntries(ACTIONS.map((action) => [action, 0])) } as Record<Action | 'none', number>
  const signals: Partial<Record<SignalName, Partial<Record<Action, number>>>> = {}
  const concerned = new Set<string>()

  const tally = (found: readonly Signal[]): Action | undefined => {
    let strictest: Action | undefined
    for (const signal of found) {
      const action = actionFor(policy, signal)
      if (action === undefined) continue
      const before = signals[signal.name]
      signals[signal.name] = { ...before, [action]: (before?.[action] ?? 0) + 1 }
      strictest = strictest === undefined ? action : stricter(strictest, action)
    }
    return strictest
  }

  for await (const line of lines) {
    const record = parsed(line)
    if (record === undefined) count.skipped++
    else if ('type' in record) {
      count.events++
      const signal = floods.see(record)
      if (signal !== undefined) tally([signal])
    } else {
      const { subject, at, isSuccess } = record
      const signIn = { at, ...reader.read(record), accounts: accounts.count(record) }
      const { signals: found, risk } = detector.judge(people.get(subject), signIn)
      const action = tally(found)
      if (!isSuccess) count.failures++
      else {
        count.signIns++
        actions[action ?? 'none']++
        if (action === 'step-up' || action === 'rotate' || action === 'revoke') concerned.add(subject)
        const person = people.get(subject) ?? newPerson(at)
        people.set(subject, person)
        detector.learn(person, signIn, risk)
      }
    }
  }
  const challenged = (actions['step-up'] + actions.rotate + actions.revoke) / Math.max(1, count.signIns)
  return { ...count, actions, signals, challenged, people: concerned.size }
}

/** Different accounts of each address within the hour. */
class Accounts {
  readonly #windows = new Map<string, Set<string>>()

  count({ address, at, subject }: Login): number | undefined {
    if (address === undefined) return undefined
    const key = `${Math.floor(at / hours(1))} ${address}`
    const known = this.#windows.get(key) ?? new Set()
    if (known.has(subject)) return undefined
    if (this.#windows.size >= MOST_ADDRESSES) this.#windows.delete(this.#windows.keys().next().value!)
    this.#windows.set(key, known.add(subject))
    return known.size
  }
}

/** What hand or program wrote; only what has the shape counts. */
function parsed(line: string): Login | SojournEvent | undefined {
  let record: Record<string, unknown>
  try {
    record = JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
  if (typeof record !== 'object' || record === null) return undefined
  const { type, at, subject, address, userAgent, roundTrip, isSuccess = true } = record
  if (typeof at !== 'number' || !Number.isFinite(at)) return undefined
  if (typeof type === 'string') return record as unknown as SojournEvent
  if (typeof subject !== 'string' || subject === '' || typeof isSuccess !== 'boolean') return undefined
  return {
    subject,
    at,
    isSuccess,
    ...(typeof address === 'string' && { address }),
    ...(typeof userAgent === 'string' && { userAgent }),
    ...(typeof roundTrip === 'number' && { roundTrip }),
  }
}
