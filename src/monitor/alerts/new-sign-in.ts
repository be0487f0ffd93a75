/**
 * "New sign-in to your account": the person is told, since nobody else knows whether it was them, and ends it with one click (ASVS 5.0, 6.3.5 and 6.3.7; NIST
 * SP 800-63B-4, 5.1). The click takes a POST: mail scanners and previews open every link that they see.
 */
import { days, hours, seconds } from '../../core/duration.ts'
import type { SojournEvent } from '../../core/events.ts'
import { subjectKeyOf } from '../../core/placement.ts'
import { serviceOf } from '../../core/service.ts'
import type { Sessions } from '../../core/sessions.ts'
import { ledgerCalls } from '../../core/store-calls.ts'
import { consume } from '../consumer.ts'
import { followersOf, look } from './devices.ts'
import {
  type NewSignInNotice,
  type NewSignInOptions,
  type NoticeSettings,
  resolveNotice,
  type SignIn,
} from './new-sign-in-options.ts'
import { type NoticeRecord, noticeTokens, type OpenRecord } from './notice-token.ts'
import { RetryingQueue } from './retrying-queue.ts'

const KIND = 'new-sign-in'
const TELL_TIMEOUT = seconds(30)
const GIVE_UP_AFTER = hours(1)
const MOST_WAITING = 10_000
const CONCURRENCY = 8

/** One sign-in on its way; each step is done once, whatever fails behind it. */
interface Telling {
  readonly event: SignInEvent
  signIn?: SignIn
  isNew?: boolean
  isLast?: boolean
  token?: string
}

/** A session of somebody’s has started. */
export type SignInEvent = Extract<SojournEvent, { type: 'session.started' }> & {
  readonly subject: string
  readonly sessionId: string
}

/**
 * Tells people of new sign-ins to their accounts, with a link by which they end one that was not theirs.
 *
 * The pages are yours: a GET that shows `describe`, a POST that calls `confirm`. Call it once, at start-up, in every process that signs people in.
 *
 * @param sessions - What `createSessions` gave.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: what was given, what was expected, why.
 * @see ASVS 5.0, 6.3.5, 6.3.7 and 7.4.2
 * @example
 * const notice = newSignInNotice(sessions, { tell: ({ subject, token }) => mail(subject, `https://shop.example/not-me?token=${token}`) })
 */
export function newSignInNotice<Data>(sessions: Sessions<Data>, options: NewSignInOptions): NewSignInNotice {
  const service = serviceOf(sessions)
  const { config, events } = service
  const { clock, keyring } = config
  const settings = resolveNotice(service, options)
  const tokens = noticeTokens(keyring, config.random)
  const random = () => config.random(1)[0]! / 255
  const { storeTimeout: timeout, circuitBreaker } = config
  const ledger = ledgerCalls(config.store, { timeout, circuitBreaker, random, events })

  const queue = new RetryingQueue<Telling>({
    name: KIND,
    clock,
    events,
    random,
    mostWaiting: MOST_WAITING,
    giveUpAfter: GIVE_UP_AFTER,
    concurrency: CONCURRENCY,
    timeout: TELL_TIMEOUT,
    async send(telling, { signal }) {
      await tell(telling, signal)
      return { kind: 'sent' }
    },
    sent: ({ token, event }) => {
      if (token !== undefined) events.emit({ type: 'notice.sent', kind: KIND, ...whose(event) })
    },
    failed: ({ event }) => events.emit({ type: 'notice.failed', kind: KIND, reason: 'not-sent', ...whose(event) }),
  })
  const consumer = consume(sessions, {
    name: KIND,
    wants: (event) => event.type === 'session.started' && event.subject !== undefined && event.methods.length > 0,
    deliver: (batch) => {
      for (const event of batch) queue.add({ event: event as SignInEvent })
    },
  })

  async function tell(telling: Telling, signal: AbortSignal): Promise<void> {
    const { event } = telling
    if (telling.isNew === undefined) {
      const { signIn, isNewDevice } = await look(service, event)
      telling.signIn = signIn
      telling.isNew = await isNew(settings, signIn, isNewDevice)
    }
    const signIn = telling.signIn!
    if (!telling.isNew) return
    if (telling.isLast === undefined) {
      const key = `monitor:sign-in:told:${subjectKeyOf(event.subject)}`
      const count = await ledger.count(key, { now: clock(), window: days(1), signal })
      if (count > settings.mostPerDay) {
        telling.isNew = false
        events.emit({ type: 'notice.failed', kind: KIND, reason: 'limit', ...whose(event) })
        return
      }
      telling.isLast = count === settings.mostPerDay
    }
    const token = telling.token ?? tokens.mint()
    if (telling.token === undefined) {
      await keep(token, signIn, telling.isLast ? 'all' : settings.ends, signal)
      telling.token = token
    }
    await settings.tell({ ...signIn, token }, signal)
  }

  async function keep(token: string, signIn: SignIn, ends: 'session' | 'all', signal: AbortSignal): Promise<void> {
    const { subject, sessionId, at, device, methods } = signIn
    const name = tokens.nameOf(token)!
    const now = clock()
    const deadline = now + settings.lifetime
    const record: NoticeRecord = { state: 'open', subject, sessionId, at, device, methods, ends, deadline }
    await ledger.put(name, tokens.sealed(name, record), { now, deadline, signal })
  }

  async function find(token: unknown): Promise<{ readonly name: string; readonly record: NoticeRecord } | undefined> {
    const name = tokens.nameOf(token)
    const value = name === undefined ? undefined : await ledger.get(name, { now: clock() })
    if (name === undefined || value === undefined) return undefined
    const record = tokens.opened(name, value)
    return record && { name, record }
  }

  async function end({ subject, sessionId, at, device, ends }: OpenRecord): Promise<number | undefined> {
    const why = { reason: 'disowned', actor: subject }
    if (ends === 'all') return sessions.revokeSubject(subject, why)
    let count = 0
    for (const id of [sessionId, ...(await followersOf(service, { subject, sessionId, at, device }))])
      if (await sessions.revoke(id, why)) count++
    return count
  }

  return {
    async describe(token) {
      const { record } = (await find(token)) ?? {}
      if (record?.state !== 'open') return { state: record?.state ?? 'unknown' }
      const { at, device, methods, ends, deadline } = record
      return { state: 'open', at, device, methods, ends, deadline }
    },
    async confirm(token) {
      const found = await find(token)
      if (found === undefined) return { ok: false, reason: 'unknown' }
      const { name, record } = found
      if (record.state !== 'open') return { ok: false, reason: record.state }
      const { subject, sessionId, deadline } = record
      // The deed first: it does no harm twice, and a link that is spent while the session lives would be worse than one that works again.
      const count = await end(record)
      const now = clock()
      // Of many clicks at once, one has the record; another may have what is left there for the next.
      const taken = await ledger.take(name, { now })
      await ledger.put(name, tokens.sealed(name, { state: 'used' }), { now, deadline }).catch(() => {})
      if (taken === undefined || tokens.opened(name, taken)?.state !== 'open') return { ok: false, reason: 'used' }
      events.emit({ type: 'sign-in.disowned', subject, sessionId, count })
      return { ok: true, subject, sessionId, count, needsNewPassword: true }
    },
    async drained() {
      await consumer.drained()
      await queue.drained()
    },
    async close({ timeout: longest = 5000 } = {}) {
      await consumer.close({ timeout: longest })
      await queue.close(longest)
    },
  }
}

const whose = ({ subject, sessionId }: SignInEvent) => ({ subject, sessionId })

async function isNew({ isNew: ask }: NoticeSettings, signIn: SignIn, isNewDevice: boolean): Promise<boolean> {
  if (ask === undefined) return isNewDevice
  try {
    return (await ask(signIn, isNewDevice)) !== false
  } catch {
    return true
  }
}
