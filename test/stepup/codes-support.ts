/** What the tests of time-based and recovery codes share: the parts on a fake clock, without the rest of step-up, and a person's app. */
import { Secret, TOTP } from 'otpauth'
import type { SojournEvent } from '../../src/core/events.ts'
import { serviceOf } from '../../src/core/service.ts'
import type { Session } from '../../src/core/session.ts'
import type { Sessions } from '../../src/core/sessions.ts'
import type { StepUpContext } from '../../src/stepup/context.ts'
import type { FactorStore } from '../../src/stepup/factor-store.ts'
import { FactorVault } from '../../src/stepup/factor-vault.ts'
import { makeRecovery } from '../../src/stepup/recovery.ts'
import { memoryFactorStore } from '../../src/stepup/stores/memory.ts'
import type { Throttle, ThrottleVerdict } from '../../src/stepup/throttle.ts'
import { resolveTotp, type TotpOptions } from '../../src/stepup/totp/options.ts'
import { makeTotp } from '../../src/stepup/totp.ts'
import { type LooseOptions, setUp, tokenOf } from '../core/support.ts'

/** Counts tries and allows them, until told otherwise. */
export class CountingThrottle implements Throttle {
  verdict: ThrottleVerdict = { isAllowed: true }
  readonly attempts: (readonly [kind: string, subject: string])[] = []
  readonly successes: (readonly [kind: string, subject: string])[] = []

  async attempt(kind: string, subject: string): Promise<ThrottleVerdict> {
    this.attempts.push([kind, subject])
    return this.verdict
  }

  async succeeded(kind: string, subject: string): Promise<void> {
    this.successes.push([kind, subject])
  }
}

interface CodesOptions extends LooseOptions {
  readonly totp?: TotpOptions
  readonly factors?: FactorStore
  readonly issuer?: string
}

/** The parts over any `sessions`. */
export function partsOver<Data>(sessions: Sessions<Data>, factors: FactorStore, issuer: string, totp: TotpOptions) {
  const service = serviceOf(sessions)
  const { keyring, random, store } = service.config
  const throttle = new CountingThrottle()
  const context: StepUpContext = {
    sessions: sessions as Sessions<unknown>,
    service,
    factors,
    vault: new FactorVault(keyring, random),
    ledger: store.ledger,
    throttle,
  }
  return {
    context,
    throttle,
    factors,
    totp: makeTotp(context, resolveTotp(issuer, totp, service)),
    recovery: makeRecovery(context),
  }
}

export function codes({ totp = {}, factors = memoryFactorStore(), issuer = 'Library', ...options }: CodesOptions = {}) {
  const site = setUp(options)
  const parts = partsOver(site.sessions, factors, issuer, totp)
  /** A request of somebody who signed in with a password a moment ago. */
  const signIn = async (subject = 'ada', method: string | string[] = 'pwd') =>
    site.sessions.read(await tokenOf(await site.sessions.signIn({ subject, method })))
  /** The same session in its next request. */
  const next = async (session: Session) => site.sessions.read(await tokenOf(session))
  /** Signed in, with an app enrolled; the code that confirmed it is spent, and of a step that has passed. */
  const enrolled = async (subject = 'ada', name?: string) => {
    const session = await signIn(subject)
    const app = await enrol(session, name)
    return { session: await next(session), ...app }
  }
  const enrol = async (session: Session, name?: string) => {
    const enrolment = await parts.totp.begin(session, { account: `${session.subject}@example.org` })
    const app = appOf(enrolment.uri)
    const outcome = await parts.totp.confirm(session, app(site.clock()), { name })
    if (!outcome.ok) throw new Error(`not enrolled: ${outcome.reason}`)
    site.clock.advance(30_000)
    return { app, factorId: outcome.factorId, code: () => app(site.clock()) }
  }
  const refusals = async () => (await site.seen('factor.refused')).map((event) => (event as Refused).reason)
  return { ...site, ...parts, signIn, next, enrolled, enrol, refusals }
}

type Refused = Extract<SojournEvent, { type: 'factor.refused' }>

/** A factor store with some of its operations changed, as by others at the same time. */
export function factorsWith(store: FactorStore, changes: Partial<FactorStore>): FactorStore {
  return {
    name: store.name,
    list: (subject) => store.list(subject),
    byHandle: (kind, handle) => store.byHandle(kind, handle),
    add: (factor, options) => store.add(factor, options),
    update: (subject, id, version, changed) => store.update(subject, id, version, changed),
    remove: (subject, id) => store.remove(subject, id),
    removeAll: (subject, kind) => store.removeAll(subject, kind),
    close: () => store.close(),
    ...changes,
  }
}

/** A person's app: scans what the QR code holds, and shows the code of an instant. */
export function appOf(uri: string): (now: number) => string {
  const parameters = new URL(uri).searchParams
  const { secret, algorithm, digits } = Object.fromEntries(parameters) as Record<string, string>
  const totp = new TOTP({ secret: Secret.fromBase32(secret!), algorithm: algorithm!, digits: Number(digits), period: 30 })
  return (now) => totp.generate({ timestamp: now })
}

/** A code that is none of this instant's. */
export function wrongCode(app: (now: number) => string, now: number): string {
  const near = [-2, -1, 0, 1, 2].map((step) => app(now + step * 30_000))
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !near.includes(code))!
}
