/** The options of `anomalyDetection`, and what it answers. */
import type { Session } from '../../core/session.ts'
import type { Store } from '../../core/store.ts'
import type { BehaviourScale } from './behaviour.ts'
import type { GeoDatabases } from './places.ts'
import type { AnomalyPolicy } from './policy.ts'
import { invalid } from './policy.ts'
import type { Action, Feature, Signal } from './signal.ts'

/** Options of `anomalyDetection`. */
export interface AnomalyOptions {
  /** What is done about which signal; what it leaves out is as in `defaultPolicy`. A signal given as `undefined` is not reported at all. */
  readonly policy?: AnomalyPolicy
  /**
   * Only reports: `anomaly.detected` says what would have been done (`isShadow`), and nothing is. Default `false`. Turn it on for some weeks before the detector acts
   * for the first time: it has to see people before it can tell who is not one of them.
   */
  readonly shadow?: boolean
  /** MaxMind databases. Default none: countries, operators and distances are then not known, and an attacker in a network near the person's is caught half as often. */
  readonly geo?: GeoDatabases
  /** Where the model is kept: a store whose ledger forgets nothing. Default the sessions' own. One that evicts makes everybody new now and then. */
  readonly ledger?: Pick<Store, 'name' | 'capabilities' | 'ledger'>
  /**
   * Accounts one address may try within an hour before `shared-address` says so. Default 20; 2 to 10,000. Raise it where a whole company or campus comes from one
   * address; whoever tries stolen passwords stays below it.
   */
  readonly mostAccounts?: number
  /**
   * What `observe` is told of a session: names, each with the value that is the middle of its scale. Default `requestsPerMinute` 20, `errorShare` 0.2, `distinctRoutes` 20,
   * `nightShare` 0.5. 1 to 16. A scale that everybody is at the end of tells nobody apart.
   */
  readonly behaviour?: BehaviourScale
  /**
   * How many names of networks, agents and distances are kept of everybody, the rarest going first. Default 24,000; 1,000 to 90,000. At 10 bytes in the store and about 60 in
   * memory each. With fewer the model knows less of rare networks.
   */
  readonly mostNames?: number
}

/** What `assess` is told of a sign-in. */
export interface SignInAttempt {
  readonly subject: string
  /** The request's session, `req.session`: address and user agent are then those of its request, as the adapter found them. */
  readonly session?: Session<unknown> | undefined
  /** Where there is no such session: the client's address. A proxy's own address makes everybody a neighbour. */
  readonly address?: string | undefined
  readonly userAgent?: string | undefined
  /** When, in epoch milliseconds. Default now. */
  readonly at?: number
  /** Shortest round-trip time to the client, in milliseconds, measured by your server: a ping over a socket. Default: not measured. */
  readonly roundTrip?: number | undefined
}

/** What was found. */
export interface Assessment {
  /** Probability that it is somebody else, if one sign-in in a thousand is; `undefined` for a person of whom nothing is known yet. */
  readonly score: number | undefined
  /** All there is, also what the policy leaves alone. */
  readonly signals: readonly Signal[]
  /** The strictest of what the policy asks for; `undefined` for nothing. In shadow mode what it would ask for: see `isShadow`. */
  readonly action: Action | undefined
  readonly isShadow: boolean
  /** Parts of the score, the heaviest first. */
  readonly features: readonly Feature[]
}

export function whole(name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw invalid(name, `a whole number from ${least} to ${most}`)
}
