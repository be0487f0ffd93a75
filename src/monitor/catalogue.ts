/**
 * The catalogue of events: for each one its name in OWASP's logging vocabulary, how much it matters, a sentence for people, and what it is in ECS 8 and OCSF 1.3. The
 * type makes it complete: an event that is added to the union without a row here does not compile. `docs/guide/events.md` is the same for readers, held to it by
 * `test/monitor/catalogue.test.ts`. It is longer than other files because it is a table.
 */
import type { EventType, SojournEvent } from '../core/events.ts'

/** How much it matters, as the vocabulary has it: `critical` wants somebody to look. */
export type Level = 'info' | 'warn' | 'critical'

/** What part of the system it is about, for filters. */
export type Category =
  | 'session'
  | 'sign-in'
  | 'factor'
  | 'request'
  | 'token'
  | 'provider'
  | 'delivery'
  | 'key'
  | 'store'
  | 'monitor'

/** What an event is in the Elastic Common Schema: allowed values of `event.category` and `event.type`. `event.action` is its own type. */
export interface EcsFields {
  readonly category: string
  readonly type: string
}

/** What an event is in OCSF: a class of its schema and an activity of that class. */
export interface OcsfFields {
  readonly classUid: 0 | 2004 | 3001 | 3002 | 3004
  readonly activityId: number
}

type EventOf<Type extends EventType> = Extract<SojournEvent, { type: Type }>

/** One row. */
export interface CatalogueRow<Type extends EventType = EventType> {
  /** Names in OWASP's logging vocabulary, the closest first. */
  readonly owasp: readonly string[]
  readonly level: Level
  /** The level of one event, where that depends on what is in it. */
  readonly levelOf?: (event: EventOf<Type>) => Level
  readonly category: Category
  /** Whether what was tried came about. */
  readonly outcome: 'success' | 'failure' | 'unknown'
  /** Whether the audit log keeps it unless told otherwise: whatever bears on who may do what. Not what every session does every few minutes. */
  readonly isAudited: boolean
  /** The same for people; without names, so that it can stand anywhere. */
  readonly sentence: (event: EventOf<Type>) => string
  readonly ecs: EcsFields
  readonly ocsf: OcsfFields
}

type Catalogue = { readonly [Type in EventType]: CatalogueRow<Type> }

// ECS 8, `event.category` with the `event.type` it allows.
const ecs = (category: string, type: string): EcsFields => ({ category, type })
const AUTHENTICATION = ecs('authentication', 'info')
const SESSION = ecs('session', 'info')
const INTRUSION = ecs('intrusion_detection', 'denied')
const ADMIN = ecs('iam', 'admin')
const CONFIGURATION = ecs('configuration', 'info')

// OCSF 1.3: Authentication, Account Change, Entity Management, Detection Finding, Base Event.
const ocsf = (classUid: OcsfFields['classUid'], activityId: number): OcsfFields => ({ classUid, activityId })
const LOGON = ocsf(3002, 1)
const LOGOFF = ocsf(3002, 2)
const OTHER_AUTHENTICATION = ocsf(3002, 99)
const FACTOR_ENABLED = ocsf(3001, 10)
const FACTOR_DISABLED = ocsf(3001, 11)
const CREATED = ocsf(3004, 1)
const UPDATED = ocsf(3004, 3)
const DELETED = ocsf(3004, 4)
const FINDING = ocsf(2004, 1)
const BASE = ocsf(0, 99)

/** A machine word for people: `wrong-secret` is "wrong secret". */
const plain = (word: string) => word.replaceAll('-', ' ')
const counted = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`
const seconds = (milliseconds: number) => counted(Math.ceil(milliseconds / 1000), 'second')
/** People end their own sessions, too. */
const by = ({ actor, subject }: { readonly actor?: string | undefined; readonly subject?: string | undefined }) =>
  actor === undefined ? '' : actor === subject ? ' by the person' : ' by an administrator or job'
const listed = (words: readonly string[]) => words.map(plain).join(', ') || 'nothing'
const CHANNELS = { back: 'server to server', front: 'through the browser' } as const
const LANES = { account: 'strangers at this account', network: 'this network', known: 'this device' } as const
const OUTCOMES = { rejected: 'the sign-in was refused', evicted: 'the oldest was ended', allowed: 'it was allowed' } as const

/** Every event there is. */
export const catalogue: Catalogue = {
  'session.started': {
    owasp: ['session_created', 'authn_login_success'],
    level: 'info',
    category: 'sign-in',
    outcome: 'success',
    isAudited: true,
    sentence: ({ subject, methods, pending, provider }) => {
      if (subject === undefined) return 'An anonymous session started.'
      const due = pending === undefined ? '' : `; ${pending} is still due`
      return `Signed in with ${listed(methods)}${provider === undefined ? '' : ' at a provider'}${due}.`
    },
    ecs: ecs('authentication', 'start'),
    ocsf: LOGON,
  },
  'session.rotated': {
    owasp: ['session_renewed'],
    level: 'info',
    category: 'session',
    outcome: 'success',
    isAudited: false,
    sentence: ({ kind, reason }) => `The session's token was replaced (${kind}: ${plain(reason)}).`,
    ecs: SESSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'session.elevated': {
    owasp: ['authn_login_success'],
    level: 'info',
    category: 'sign-in',
    outcome: 'success',
    isAudited: true,
    sentence: ({ acr, methods }) => `Proved themselves again with ${listed(methods)}; the session is at ${acr}.`,
    ecs: AUTHENTICATION,
    ocsf: LOGON,
  },
  'session.revoked': {
    owasp: ['session_logout', 'session_expired'],
    level: 'info',
    category: 'session',
    outcome: 'success',
    isAudited: true,
    sentence: (event) =>
      event.reason === 'logout' ? 'Signed out.' : `The session was ended${by(event)} (${plain(event.reason)}).`,
    ecs: ecs('session', 'end'),
    ocsf: LOGOFF,
  },
  'session.reused': {
    owasp: ['authn_token_reuse'],
    level: 'critical',
    category: 'session',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ outcome }) =>
      `A token came back after it had been replaced: there may be a copy of it. ${outcome === 'revoked' ? 'The session was ended.' : 'It was refused.'}`,
    ecs: INTRUSION,
    ocsf: FINDING,
  },
  'session.expired': {
    owasp: ['session_expired'],
    level: 'info',
    category: 'session',
    outcome: 'success',
    isAudited: true,
    sentence: ({ reason }) =>
      reason === 'idle' ? 'The session ended because it was not used.' : 'The session reached its longest life.',
    ecs: ecs('session', 'end'),
    ocsf: LOGOFF,
  },
  'session.used-after-end': {
    owasp: ['session_use_after_expire'],
    level: 'warn',
    category: 'session',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ reason }) => `A session that had ended was tried again (${plain(reason)}).`,
    ecs: INTRUSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'session.doubted': {
    owasp: ['authn_token_revoked'],
    level: 'info',
    category: 'session',
    outcome: 'success',
    isAudited: true,
    sentence: ({ reason }) => `What was proved counts no more until it is proved anew (${plain(reason)}).`,
    ecs: ecs('session', 'info'),
    ocsf: BASE,
  },
  'session.quarantined': {
    owasp: ['crypt_decrypt_fail'],
    level: 'warn',
    category: 'session',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ part }) => `The ${part === 'record' ? 'session' : "session's data"} cannot be read, and is left alone.`,
    ecs: ecs('session', 'info'),
    ocsf: BASE,
  },
  'subject.revoked': {
    owasp: ['session_expired'],
    level: 'info',
    category: 'session',
    outcome: 'success',
    isAudited: true,
    sentence: (event) =>
      `${event.count === undefined ? 'All of the person’s sessions' : counted(event.count, 'session')} ended${by(event)} (${plain(event.reason)}).`,
    ecs: ecs('session', 'end'),
    ocsf: LOGOFF,
  },
  'subject.limit-exceeded': {
    owasp: ['excess_sessions_exceeded'],
    level: 'warn',
    category: 'sign-in',
    outcome: 'unknown',
    isAudited: true,
    sentence: ({ limit, outcome }) => `One session more than the ${limit} that are allowed: ${OUTCOMES[outcome]}.`,
    ecs: SESSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'token.refused': {
    owasp: ['session_use_after_expire', 'malicious_direct_reference'],
    level: 'warn',
    category: 'request',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ state }) =>
      ({
        malformed: 'A cookie came that is no token.',
        forged: 'A token came that no key of ours made.',
        unknown: 'A token came whose session is not there.',
      })[state],
    ecs: INTRUSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'cookie.duplicated': {
    owasp: ['malicious_direct_reference'],
    level: 'warn',
    category: 'request',
    outcome: 'unknown',
    isAudited: true,
    sentence: ({ candidates, valid }) => `${candidates} session cookies came at once, ${valid} of them good.`,
    ecs: ecs('intrusion_detection', 'info'),
    ocsf: OTHER_AUTHENTICATION,
  },
  'transport.refused': {
    owasp: ['malicious_direct_reference'],
    level: 'warn',
    category: 'request',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ reason }) => `A request came over a channel that sessions must not travel on (${plain(reason)}).`,
    ecs: INTRUSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'store.failed': {
    owasp: ['sys_monitor_disabled'],
    level: 'warn',
    category: 'store',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ operation, code }) => `The store failed at ${operation} (${code}).`,
    ecs: ecs('database', 'error'),
    ocsf: BASE,
  },
  'store.circuit-opened': {
    owasp: ['sys_monitor_disabled'],
    level: 'critical',
    category: 'store',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ failures, pause }) =>
      `The store failed ${counted(failures, 'time')} in a row and is left alone for ${seconds(pause)}.`,
    ecs: ecs('database', 'error'),
    ocsf: BASE,
  },
  'store.circuit-closed': {
    owasp: ['sys_monitor_enabled'],
    level: 'info',
    category: 'store',
    outcome: 'success',
    isAudited: true,
    sentence: () => 'The store answers again.',
    ecs: ecs('database', 'info'),
    ocsf: BASE,
  },
  'request.let-through': {
    owasp: ['sys_monitor_disabled'],
    level: 'warn',
    category: 'request',
    outcome: 'unknown',
    isAudited: true,
    sentence: ({ as }) => `While the store was away, a request was let through as ${as === 'readonly' ? 'read-only' : as}.`,
    ecs: ecs('web', 'access'),
    ocsf: BASE,
  },
  'binding.registered': {
    owasp: ['session_renewed'],
    level: 'info',
    category: 'session',
    outcome: 'success',
    isAudited: true,
    sentence: ({ algorithm }) => `The session is bound to a key of the device (${algorithm}).`,
    ecs: SESSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'binding.refreshed': {
    owasp: ['session_renewed'],
    level: 'info',
    category: 'session',
    outcome: 'success',
    isAudited: false,
    sentence: () => 'The device proved its key again.',
    ecs: SESSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'binding.refused': {
    owasp: ['session_use_after_expire', 'malicious_direct_reference'],
    level: 'warn',
    category: 'session',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ reason }) => `The device did not prove the key the session is bound to (${plain(reason)}).`,
    ecs: INTRUSION,
    ocsf: FINDING,
  },
  'csrf.refused': {
    owasp: ['malicious_csrf'],
    level: 'warn',
    category: 'request',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ rule, isReportOnly }) =>
      `A request may have been forged by another site's page (${plain(rule)})${isReportOnly ? '; it was let through all the same' : ''}.`,
    ecs: INTRUSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'traits.drifted': {
    owasp: ['authn_token_reuse'],
    level: 'warn',
    levelOf: ({ grade, isShadow }) => {
      if (isShadow || grade === 'note') return 'info'
      return grade === 'rotate' ? 'warn' : 'critical'
    },
    category: 'session',
    outcome: 'unknown',
    isAudited: true,
    sentence: ({ reason, isShadow }) => `${reason}${isShadow ? ' (only reported)' : ''}`,
    ecs: ecs('intrusion_detection', 'info'),
    ocsf: FINDING,
  },
  'traits.address-dropped': {
    owasp: ['sensitive_delete'],
    level: 'info',
    category: 'session',
    outcome: 'success',
    isAudited: false,
    sentence: () => 'The address that was kept with the session was removed: its time is over.',
    ecs: SESSION,
    ocsf: DELETED,
  },
  'assurance.refused': {
    owasp: ['authz_fail', 'sequence_fail'],
    level: 'warn',
    category: 'request',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ acr, maxAge }) =>
      `Something was asked for that needs ${acr}${maxAge === undefined ? '' : `, proved within ${seconds(maxAge)}`}.`,
    ecs: ecs('iam', 'info'),
    ocsf: OTHER_AUTHENTICATION,
  },
  'throttle.reached': {
    owasp: ['excess_rate_limit_exceeded'],
    level: 'warn',
    category: 'sign-in',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ kind, lane, retryAfter }) =>
      `Too many wrong tries (${plain(kind)}) by ${LANES[lane]}: the next counts in ${seconds(retryAfter)}.`,
    ecs: AUTHENTICATION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'approval.granted': {
    owasp: ['privilege_permissions_changed'],
    level: 'warn',
    category: 'factor',
    outcome: 'success',
    isAudited: true,
    sentence: ({ operation }) => `Approved one operation (${plain(operation)}).`,
    ecs: ecs('iam', 'info'),
    ocsf: OTHER_AUTHENTICATION,
  },
  'approval.spent': {
    owasp: ['sensitive_update'],
    level: 'warn',
    category: 'factor',
    outcome: 'success',
    isAudited: true,
    sentence: ({ operation }) => `The approved operation was done (${plain(operation)}).`,
    ecs: ecs('iam', 'change'),
    ocsf: UPDATED,
  },
  'factor.added': {
    owasp: ['authn_password_change'],
    level: 'info',
    category: 'factor',
    outcome: 'success',
    isAudited: true,
    sentence: ({ kind }) => `Added a way to sign in (${plain(kind)}).`,
    ecs: ecs('iam', 'creation'),
    ocsf: FACTOR_ENABLED,
  },
  'factor.removed': {
    owasp: ['authn_password_change'],
    level: 'info',
    category: 'factor',
    outcome: 'success',
    isAudited: true,
    sentence: ({ kind }) => `Removed a way to sign in (${plain(kind)}).`,
    ecs: ecs('iam', 'deletion'),
    ocsf: FACTOR_DISABLED,
  },
  'factor.used': {
    owasp: ['authn_login_success'],
    level: 'info',
    category: 'factor',
    outcome: 'success',
    isAudited: true,
    sentence: ({ kind, left }) =>
      `Proved themselves (${plain(kind)})${left === undefined ? '' : `; ${counted(left, 'code')} left`}.`,
    ecs: AUTHENTICATION,
    ocsf: LOGON,
  },
  'factor.refused': {
    owasp: ['authn_login_fail'],
    level: 'warn',
    category: 'factor',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ kind, reason }) => `An answer proved nothing (${plain(kind)}: ${plain(reason)}).`,
    ecs: AUTHENTICATION,
    ocsf: LOGON,
  },
  'factor.suspected': {
    owasp: ['authn_token_reuse'],
    level: 'critical',
    category: 'factor',
    outcome: 'failure',
    isAudited: true,
    sentence: () => 'There may be a copy of a passkey: its count did not grow. It is refused from now on.',
    ecs: INTRUSION,
    ocsf: FINDING,
  },
  'dpop.refused': {
    owasp: ['authn_login_fail', 'malicious_direct_reference'],
    level: 'warn',
    category: 'token',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ reason }) => `An app did not prove its key (${plain(reason)}).`,
    ecs: INTRUSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'access-token.revoked': {
    owasp: ['authn_token_revoked'],
    level: 'info',
    category: 'token',
    outcome: 'success',
    isAudited: true,
    sentence: () => 'An app gave an access token back.',
    ecs: AUTHENTICATION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'token-client.refused': {
    owasp: ['authn_login_fail'],
    level: 'warn',
    category: 'token',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ reason, count }) =>
      `A caller of the token endpoints did not prove which app it is (${plain(reason)})${count === undefined || count < 2 ? '' : `, ${count} times within the hour`}.`,
    ecs: AUTHENTICATION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'provider.sign-in-refused': {
    owasp: ['authn_login_fail'],
    level: 'warn',
    category: 'provider',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ reason }) => `Somebody came back from a provider and was not signed in (${plain(reason)}).`,
    ecs: AUTHENTICATION,
    ocsf: LOGON,
  },
  'provider.logout-received': {
    owasp: ['session_logout'],
    level: 'info',
    category: 'provider',
    outcome: 'success',
    isAudited: true,
    sentence: ({ channel, count, isRepeated }) =>
      `A provider said ${CHANNELS[channel]} that a login ended${isRepeated ? ', as it had before' : ''}; ${counted(count, 'session')} ended here.`,
    ecs: ecs('session', 'end'),
    ocsf: LOGOFF,
  },
  'provider.logout-refused': {
    owasp: ['malicious_direct_reference'],
    level: 'warn',
    category: 'provider',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ channel, reason }) => `A logout that came ${CHANNELS[channel]} was none of the provider's (${plain(reason)}).`,
    ecs: INTRUSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'signing-key.added': {
    owasp: ['sensitive_create'],
    level: 'warn',
    levelOf: ({ reason }) => (reason === 'damaged' ? 'critical' : 'warn'),
    category: 'key',
    outcome: 'success',
    isAudited: true,
    sentence: ({ reason }) =>
      ({
        due: 'The next key for tokens was made ahead of its time.',
        missing: 'A key for tokens was made, because there was none.',
        damaged: 'A key for tokens was made, because one could not be opened.',
      })[reason],
    ecs: ecs('configuration', 'creation'),
    ocsf: CREATED,
  },
  'signing-key.retired': {
    owasp: ['sensitive_update'],
    level: 'warn',
    category: 'key',
    outcome: 'success',
    isAudited: true,
    sentence: () => 'The time of a key for tokens is over.',
    ecs: ecs('configuration', 'change'),
    ocsf: UPDATED,
  },
  'access-token.minted': {
    owasp: ['authn_token_created'],
    level: 'info',
    category: 'token',
    outcome: 'success',
    isAudited: false,
    sentence: () => 'The session was given an access token for an app.',
    ecs: AUTHENTICATION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'refresh-token.granted': {
    owasp: ['authn_token_created'],
    level: 'info',
    category: 'token',
    outcome: 'success',
    isAudited: true,
    sentence: () => 'An app may act in the session until it ends.',
    ecs: AUTHENTICATION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'refresh-token.rotated': {
    owasp: ['authn_token_created'],
    level: 'info',
    category: 'token',
    outcome: 'success',
    isAudited: false,
    sentence: ({ isRepeated }) => `An app renewed its access${isRepeated ? ', twice with one token' : ''}.`,
    ecs: AUTHENTICATION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'refresh-token.reused': {
    owasp: ['authn_token_reuse'],
    level: 'critical',
    category: 'token',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ outcome }) =>
      `An app's token came back after it had been replaced: there is a copy of it. ${outcome === 'session-revoked' ? 'The session was ended.' : "The app's access was ended."}`,
    ecs: INTRUSION,
    ocsf: FINDING,
  },
  'refresh-token.refused': {
    owasp: ['session_use_after_expire', 'malicious_direct_reference'],
    level: 'warn',
    levelOf: ({ reason }) => (reason === 'other-client' || reason === 'other-key' ? 'critical' : 'warn'),
    category: 'token',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ reason }) => `An app's token was good for nothing (${plain(reason)}).`,
    ecs: INTRUSION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'refresh-token.ended': {
    owasp: ['authn_token_revoked'],
    level: 'info',
    category: 'token',
    outcome: 'success',
    isAudited: true,
    sentence: ({ reason }) => `An app's access ended (${reason === 'limit' ? 'it made room for another' : 'it was given up'}).`,
    ecs: AUTHENTICATION,
    ocsf: OTHER_AUTHENTICATION,
  },
  'delivery.succeeded': {
    owasp: ['session_logout'],
    level: 'info',
    category: 'delivery',
    outcome: 'success',
    isAudited: false,
    sentence: ({ attempts }) =>
      `A connected application knows that the session ended, after ${counted(attempts, 'try', 'tries')}.`,
    ecs: ecs('session', 'end'),
    ocsf: LOGOFF,
  },
  'delivery.failed': {
    owasp: ['sys_monitor_disabled'],
    level: 'warn',
    category: 'delivery',
    outcome: 'failure',
    isAudited: false,
    sentence: ({ reason, retryAfter }) =>
      `A connected application could not be told that the session ended (${plain(reason)}); again in ${seconds(retryAfter)}.`,
    ecs: SESSION,
    ocsf: BASE,
  },
  'delivery.given-up': {
    owasp: ['sys_monitor_disabled'],
    level: 'critical',
    category: 'delivery',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ reason, attempts }) =>
      `A connected application does not know that the session ended, after ${counted(attempts, 'try', 'tries')} (${plain(reason)}). Somebody may still be signed in there.`,
    ecs: SESSION,
    ocsf: BASE,
  },
  'anomaly.detected': {
    owasp: ['authn_impossible_travel', 'malicious_direct_reference'],
    level: 'warn',
    levelOf: ({ action, isShadow }) => {
      if (isShadow || action === 'note') return 'info'
      return action === 'notify' ? 'warn' : 'critical'
    },
    category: 'monitor',
    outcome: 'unknown',
    isAudited: true,
    sentence: ({ reason, isShadow }) => `${reason}${isShadow ? ' (only reported)' : ''}`,
    ecs: ecs('intrusion_detection', 'info'),
    ocsf: FINDING,
  },
  'safety.lowered': {
    owasp: ['sys_monitor_disabled'],
    level: 'warn',
    category: 'monitor',
    outcome: 'success',
    isAudited: true,
    sentence: ({ option }) => `An option that lowers safety is in force (${option}).`,
    ecs: CONFIGURATION,
    ocsf: UPDATED,
  },
  'monitor.dropped': {
    owasp: ['sys_monitor_disabled'],
    level: 'critical',
    category: 'monitor',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ consumer, count }) => `${counted(count, 'event')} did not reach '${consumer}': it is too slow, or away.`,
    ecs: ADMIN,
    ocsf: BASE,
  },
  'audit.tampered': {
    owasp: ['malicious_direct_reference'],
    level: 'critical',
    category: 'monitor',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ what }) => `A writer found the audit log damaged (${plain(what)}). Verify it.`,
    ecs: ecs('intrusion_detection', 'info'),
    ocsf: FINDING,
  },
  'monitor.failed': {
    owasp: ['sys_monitor_disabled'],
    level: 'warn',
    category: 'monitor',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ consumer, code }) => `'${consumer}' takes no events at present (${code}); they wait.`,
    ecs: ADMIN,
    ocsf: BASE,
  },
  'monitor.recovered': {
    owasp: ['sys_monitor_enabled'],
    level: 'info',
    category: 'monitor',
    outcome: 'success',
    isAudited: true,
    sentence: ({ consumer, failures }) => `'${consumer}' takes events again, after ${counted(failures, 'failure')}.`,
    ecs: ADMIN,
    ocsf: BASE,
  },
  'alert.sent': {
    owasp: ['sys_monitor_enabled'],
    level: 'info',
    category: 'monitor',
    outcome: 'success',
    isAudited: true,
    sentence: ({ rule, channel }) => `Somebody was alerted (${plain(rule)}) by '${channel}'.`,
    ecs: ADMIN,
    ocsf: BASE,
  },
  'alert.failed': {
    owasp: ['sys_monitor_disabled'],
    level: 'critical',
    category: 'monitor',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ rule, channel, reason, attempts }) =>
      `An alert (${plain(rule)}) did not get through by '${channel}' in ${counted(attempts, 'try', 'tries')} (${plain(reason)}).`,
    ecs: ADMIN,
    ocsf: BASE,
  },
  'notice.sent': {
    owasp: ['sys_monitor_enabled'],
    level: 'info',
    category: 'sign-in',
    outcome: 'success',
    isAudited: true,
    sentence: ({ kind }) => `The person was told (${plain(kind)}).`,
    ecs: AUTHENTICATION,
    ocsf: BASE,
  },
  'notice.failed': {
    owasp: ['sys_monitor_disabled'],
    level: 'warn',
    category: 'sign-in',
    outcome: 'failure',
    isAudited: true,
    sentence: ({ kind, reason }) => `The person could not be told (${plain(kind)}: ${plain(reason)}).`,
    ecs: AUTHENTICATION,
    ocsf: BASE,
  },
  'sign-in.disowned': {
    owasp: ['session_logout'],
    level: 'critical',
    category: 'sign-in',
    outcome: 'success',
    isAudited: true,
    sentence: ({ count }) =>
      `The person said that a sign-in was not theirs: ${count === undefined ? 'the sessions' : counted(count, 'session')} ended, and a new password is due.`,
    ecs: INTRUSION,
    ocsf: FINDING,
  },
}

/** The row of one event. */
export const rowOf = <Type extends EventType>(event: { readonly type: Type }): CatalogueRow<Type> =>
  catalogue[event.type] as unknown as CatalogueRow<Type>

/** How much one event matters. */
export function levelOf(event: SojournEvent): Level {
  const row = rowOf(event)
  return row.levelOf?.(event) ?? row.level
}

/** One event as a sentence for people; it names nobody and may stand anywhere, escaped as any text is. */
export const sentenceOf = (event: SojournEvent): string => rowOf(event).sentence(event)
