/**
 * The entry `sojourn/stepup/opaque`: sign-in with a password that never reaches the server (OPAQUE, RFC 9807), through `@serenity-kit/opaque`. The browser's part
 * is that package, too; what travels between them is four pairs of short texts.
 */
import { ConfigError } from '../core/errors.ts'
import { serviceOf } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import type { Store } from '../core/store.ts'
import { ledgerCalls } from '../core/store-calls.ts'
import { FactorVault } from './factor-vault.ts'
import { checkInstalled, newSetup, type OpaqueServer, serverOf } from './opaque/library.ts'
import { parseRegistration, registrationText } from './opaque/registration.ts'
import { openSetup, sealSetup, UnknownAccounts } from './opaque/setup.ts'
import { Tickets } from './opaque/tickets.ts'
import { type Refusal, refusal } from './outcome.ts'
import type { Throttle } from './throttle.ts'

export type { Refusal, RefusalReason } from './outcome.ts'
export type { Throttle, ThrottleVerdict } from './throttle.ts'

/** An account that has a password. */
export interface OpaqueAccount {
  readonly subject: string
  /** What `finishRegistration` gave. */
  readonly registration: string
}

/** Options of `createOpaque`. */
export interface OpaqueOptions {
  /**
   * What `newOpaqueSetup` gave, as you keep it. Never replace it: with another one no password is right any more. It is sealed by the keys of
   * `createSessions`; whoever has it, those keys and your table of registrations can try passwords at home.
   */
  readonly setup: string
  /**
   * Finds an account by what a person typed, which is any text of at most 1,024 bytes; `undefined` when there is none, or none that may come in. Take as long
   * for one as for the other, or the time tells which accounts exist.
   *
   * Spell the name one way before `startLogin`, not in here: two spellings that are answered alike would tell that somebody has the name.
   */
  readonly find: (account: string) => OpaqueAccount | undefined | Promise<OpaqueAccount | undefined>
  /** `stepUp.throttle`: without a limit a password of four digits is guessed in a morning. */
  readonly throttle: Throttle
  /** Where the server's half of a ceremony is kept for a minute, if not beside the sessions. */
  readonly ledger?: Pick<Store, 'name' | 'capabilities' | 'ledger'>
}

/** The four messages. Each takes JSON from the browser, any JSON at all, and gives JSON for it. */
export interface Opaque {
  /** `setup`, sealed with the newest key: where it is not what you keep, keep this from now on, before its old key leaves `keys`. */
  readonly setup: string
  /**
   * The first message of choosing a password, for whoever this session is: a visitor who signs up, or somebody who may change theirs. Whether
   * they may is yours to ask first, by `session.requireAssurance` say.
   *
   * @param message - `{ registrationRequest }`, as the browser's `startRegistration` gave it.
   * @returns What to send back: `ticket`, and `registrationResponse` for the browser's `finishRegistration`.
   * @example
   * res.json(await opaque.startRegistration(req.session, req.body))
   */
  startRegistration(session: Session<unknown>, message: unknown): Promise<RegistrationStart | Refusal>
  /**
   * The second message of choosing a password.
   *
   * @param message - `{ ticket, registrationRecord }`.
   * @returns The registration: a text of 287 characters, to be kept with the account in place of a password's hash. Do not send it back.
   * @example
   * const result = await opaque.finishRegistration(req.session, req.body)
   * if (result.ok) await accounts.create({ email, registration: result.registration })
   */
  finishRegistration(
    session: Session<unknown>,
    message: unknown,
  ): Promise<{ readonly ok: true; readonly registration: string } | Refusal>
  /**
   * The first message of a sign-in. Each is a try at the password, whether a second follows or not, and is counted: the browser knows after the answer
   * whether the password was right. An account that does not exist gets an answer of the same shape.
   *
   * @param message - `{ account, startLoginRequest }`. Spell `account` one way before: each spelling of a name that nobody has is another account.
   * @returns What to send back: `ticket`, and `loginResponse` for the browser's `finishLogin`.
   */
  startLogin(session: Session<unknown>, message: unknown): Promise<LoginStart | Refusal>
  /**
   * The second message of a sign-in. It starts no session: do so with what it gives.
   *
   * @param message - `{ ticket, finishLoginRequest }`.
   * @returns Whose password it was; or `expired`, for a ticket of another visitor, or one that was used or is a minute old; or `wrong`.
   * @example
   * const result = await opaque.finishLogin(req.session, req.body)
   * if (!result.ok) return res.status(401).json(result)
   * const { pending } = await stepUp.signIn(req.session, { subject: result.subject, method: result.method })
   */
  finishLogin(session: Session<unknown>, message: unknown): Promise<OpaqueLogin | Refusal>
}

export interface RegistrationStart {
  readonly ok: true
  readonly ticket: string
  readonly registrationResponse: string
}

export interface LoginStart {
  readonly ok: true
  readonly ticket: string
  readonly loginResponse: string
}

/** A password that was right. */
export interface OpaqueLogin {
  readonly ok: true
  readonly subject: string
  /** RFC 8176's name of a password. */
  readonly method: 'pwd'
}

/** Makes the setup that `createOpaque` needs, sealed by the keys of `sessions`. Once in an application's life: keep it where the registrations are kept. */
export async function newOpaqueSetup<Data>(sessions: Sessions<Data>): Promise<string> {
  return sealSetup(vaultOf(sessions), await newSetup())
}

/**
 * Makes sign-in by OPAQUE: the server never sees a password, not even while somebody signs in, and what it keeps is of no use without the setup.
 *
 * Use it where the pages run script, and a server that logs what it receives is a risk you have. It asks for more of the browser than a form does: WebAssembly, and
 * about a second of work.
 *
 * @param sessions - The service, from `createSessions`.
 * @param options - `setup`, `find` and `throttle` are required.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - an option is missing, `setup` cannot be opened, or `@serenity-kit/opaque` is not installed.
 * @see RFC 9807; ASVS 5.0, 6.2
 * @example
 * const opaque = createOpaque(sessions, { setup, find: (email) => accounts.byEmail(email), throttle: stepUp.throttle })
 */
export function createOpaque<Data>(sessions: Sessions<Data>, options: OpaqueOptions): Opaque {
  const service = serviceOf(sessions)
  const { find, throttle } = options
  checkOption('find', typeof find === 'function', 'a function from what a person typed to an account')
  checkOption('throttle', typeof throttle?.attempt === 'function', '`stepUp.throttle`')
  checkInstalled()
  const vault = vaultOf(sessions)
  const setup = openSetup(vault, options.setup)
  const unknown = new UnknownAccounts(setup)
  const { random, storeTimeout, circuitBreaker, store } = service.config
  const calls = { timeout: storeTimeout, circuitBreaker, random: () => random(1)[0]! / 255, events: service.events }
  const tickets = new Tickets(service, ledgerCalls(options.ledger ?? store, calls), vault)
  let server: Promise<OpaqueServer> | undefined

  function loaded(): Promise<OpaqueServer> {
    server ??= serverOf(setup.secret)
    return server
  }

  function wrong({ id: sessionId }: Session<unknown>, subject: string | undefined): Refusal {
    service.events.emit({ type: 'factor.refused', kind: 'password', reason: 'wrong', sessionId, subject })
    return refusal('wrong')
  }

  return {
    setup: setup.sealed,

    async startRegistration(session, message) {
      const { registrationRequest } = fieldsOf(message)
      const identifier = Buffer.from(random(16)).toString('base64url')
      if (!isText(registrationRequest)) return refusal('wrong')
      const registrationResponse = (await loaded()).registrationResponse(identifier, registrationRequest)
      if (registrationResponse === undefined) return refusal('wrong')
      return { ok: true, ticket: await tickets.keep('registration', session, { identifier }), registrationResponse }
    },

    async finishRegistration(session, message) {
      const { ticket, registrationRecord: record } = fieldsOf(message)
      const kept = await tickets.take('registration', session, ticket)
      if (kept === undefined) return refusal('expired')
      const { identifier } = kept as { readonly identifier: string }
      if (!isText(record) || !(await loaded()).isRecord(record)) return refusal('wrong')
      return { ok: true, registration: registrationText({ identifier, record }) }
    },

    async startLogin(session, message) {
      const { account, startLoginRequest } = fieldsOf(message)
      if (!isAccount(account) || !isText(startLoginRequest)) return refusal('wrong')
      const found = await find(account)
      const registration = parseRegistration(found?.registration)
      const verdict = await throttle.attempt('password', found?.subject ?? unknown.subjectOf(account), session)
      if (!verdict.isAllowed) return refusal('throttled', verdict.retryAfter)
      const { startLogin } = await loaded()
      const real = registration && startLogin(registration.identifier, registration.record, startLoginRequest)
      // Also for an account whose registration is damaged: an answer of its own would say that there is one.
      const started = real ?? startLogin(unknown.identifierOf(account), undefined, startLoginRequest)
      if (started === undefined) return refusal('wrong')
      const { serverLoginState, loginResponse } = started
      const state: LoginState = { serverLoginState, ...(real && { subject: found!.subject }) }
      return { ok: true, ticket: await tickets.keep('login', session, state), loginResponse }
    },

    async finishLogin(session, message) {
      const { ticket, finishLoginRequest } = fieldsOf(message)
      const kept = await tickets.take('login', session, ticket)
      if (kept === undefined) return refusal('expired')
      const { serverLoginState, subject } = kept as LoginState
      const isRight = isText(finishLoginRequest) && (await loaded()).finishLogin(serverLoginState, finishLoginRequest)
      return isRight && subject !== undefined ? { ok: true, subject, method: 'pwd' } : wrong(session, subject)
    },
  }
}

function checkOption(option: string, isValid: boolean, expected: string): void {
  if (isValid) return
  throw new ConfigError(`createOpaque: ${option} must be ${expected}. See docs/guide/opaque.md.`, { code: 'ERR_CONFIG_INVALID' })
}

/** What is kept of a login. Without a subject nobody can finish it. */
interface LoginState {
  readonly serverLoginState: string
  readonly subject?: string
}

const LONGEST_MESSAGE = 512
const LONGEST_ACCOUNT = 1024

/** In base64url, as the library writes it; the longest is half of this. */
const isText = (given: unknown): given is string =>
  typeof given === 'string' && given.length <= LONGEST_MESSAGE && /^[A-Za-z0-9_-]+$/.test(given)

const isAccount = (given: unknown): given is string =>
  typeof given === 'string' && given !== '' && Buffer.byteLength(given) <= LONGEST_ACCOUNT && given.isWellFormed()

/** Of any JSON at all. */
function fieldsOf(message: unknown): Readonly<Record<string, unknown>> {
  return typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : {}
}

function vaultOf(sessions: object): FactorVault {
  const { keyring, random } = serviceOf(sessions).config
  return new FactorVault(keyring, random)
}
