/** The entry `sojourn/traits`: what a session's client shows of itself, and what is done when that changes. */
import type { Session } from '../core/session.ts'
import type { RequestGuard } from '../http/request-guard.ts'
import { AddressKeeping, type KeepAddress } from './traits/address-keeping.ts'
import { seenOf, TraitGuard } from './traits/guard.ts'
import { Observer } from './traits/observation.ts'
import type { GeoDatabases } from './traits/place.ts'
import { type Change, type DriftPolicy, type Grade, invalid, reasonOf, resolvePolicy } from './traits/policy.ts'
import { reportOf, type TraitReport } from './traits/report.ts'

export type { RequestGuard } from '../http/request-guard.ts'
export type { KeepAddress } from './traits/address-keeping.ts'
export type { GeoDatabases } from './traits/place.ts'
export { type Change, type Combination, type DriftPolicy, type Grade, presets } from './traits/policy.ts'
export type { TraitReport } from './traits/report.ts'

/** Options of `traitChecks`. */
export interface TraitOptions {
  /**
   * What is done about which change. Default `presets.standard`; what a table leaves out is as in that preset.
   *
   * `allow` for `browser` or `os` lets a thief use a stolen cookie in a browser of their own, unnoticed.
   */
  readonly policy?: Partial<DriftPolicy>
  /**
   * Only reports: `traits.drifted` says what would have been done (`isShadow`), and nothing is. Default `false`. Turn it on for some days
   * before the checks act for the first time; a thief is not stopped meanwhile.
   */
  readonly shadow?: boolean
  /**
   * MaxMind databases, read at start-up; needs the package `mmdb-lib`. Default none: moving to another operator or country then counts like
   * any other network, and a thief on the other side of the world looks like a neighbour.
   */
  readonly geo?: GeoDatabases
  /**
   * Keeps the client's address itself with the session, until the time is over: `{ for: days(7) }`. Default: it is not kept. Whoever reads
   * the database or the backups then reads where people were.
   */
  readonly keepAddress?: KeepAddress
}

/** A guard that can say what it does. */
export interface TraitChecks extends RequestGuard {
  /** What is kept of each client, in what form and for how long, and the policy in force: for your record of processing, and the risk assessment of NIST SP 800-63B-4, 5.3. */
  report(): TraitReport
}

/** What is known of a session's client, in words fit for a page. */
export interface KnownTraits {
  /** What this request shows; `undefined` where no check looked at it. Nothing of it is kept with the session in this form. */
  readonly seen:
    | {
        /** Such as `Firefox`; `undefined` for what is no known browser. */
        readonly browser: string | undefined
        /** Its major version. */
        readonly version: number | undefined
        /** Such as `Windows`. */
        readonly os: string | undefined
        /** ISO 3166-1, where a database is given. */
        readonly country: string | undefined
      }
    | undefined
  /** The latest change of this session's client that was graded higher than `allow`. */
  readonly drift:
    | {
        readonly at: number
        readonly grade: Grade
        readonly changes: readonly Change[]
        readonly reason: string
        /** Nothing was done about it. */
        readonly isShadow: boolean
      }
    | undefined
  /** The address, where `keepAddress` asks for it and its time is not over. */
  readonly address: { readonly text: string; readonly takenAt: number } | undefined
}

/**
 * Makes a guard that looks at each request's user agent, client hints and network, and acts when they are not those of the session's
 * client. Hand it to an adapter: `guards: [traitChecks()]`.
 *
 * It makes a stolen cookie worth little in another browser or place. All of it can be copied by whoever knows what the victim's browser
 * sends and comes from the same network: only a key bound to the device (`sojourn/dbsc`) stops that.
 *
 * @param options - See `TraitOptions`; safe without any.
 * @returns A guard for one session service, with a `report` of what it keeps.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: a package that is missing, by name; an option that would guard nothing; a
 * database that cannot be read; sealed cookies without a ledger, which cannot end a session.
 * @see OWASP Cookie Theft Mitigation Cheat Sheet; OWASP Session Management Cheat Sheet, "Binding the Session ID to Other User Properties"
 * @example
 * const guards = [traitChecks({ policy: { ...presets.standard, country: 'note' }, geo: { country: 'GeoLite2-Country.mmdb' } })]
 * app.use(expressSession(sessions, { guards }))
 */
export function traitChecks(options: TraitOptions = {}): TraitChecks {
  if (typeof options !== 'object' || options === null) throw invalid('the first argument', 'an object of options')
  const { shadow = false, geo, keepAddress } = options
  if (typeof shadow !== 'boolean') throw invalid('shadow', 'true or false')
  const policy = resolvePolicy(options.policy)
  const observer = new Observer(geo)
  const addresses = new AddressKeeping(keepAddress, observer.places)
  const report = () => reportOf({ policy, isShadow: shadow, geo, keptFor: addresses.keptFor })
  return Object.assign(new TraitGuard({ policy, isShadow: shadow, observer, addresses }), { report })
}

/**
 * What is known of a session's client, for a page that shows a person what protects their session.
 *
 * @param session - Of a request whose adapter has the guard.
 * @returns Words of fixed lists, nothing as the client sent it; each part `undefined` where nothing is known.
 * @example
 * const { seen, drift } = traitsOf(req.session)
 * res.send(`${seen?.browser} on ${seen?.os}. ${drift ? drift.reason : 'Nothing changed.'}`)
 */
export function traitsOf(session: Session<unknown>): KnownTraits {
  const { observation, print } = seenOf(session)
  const { drift, address } = print ?? {}
  const agent = observation?.agent
  return {
    seen: observation && {
      browser: agent?.knownFamily,
      version: agent?.major || undefined,
      os: agent?.os || undefined,
      country: observation.place?.country,
    },
    drift: drift && { ...drift, reason: reasonOf(drift.changes) },
    address,
  }
}
