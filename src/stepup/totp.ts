/**
 * Time-based one-time codes, as authenticator apps show them (RFC 6238). A code is something a person has; it does not resist phishing, so a passkey is
 * the better factor where a device can do it.
 */
import type { Session } from '../core/session.ts'
import { encodeId, newId } from '../core/token.ts'
import { misuse } from '../core/unit-of-work.ts'
import type { StepUpContext } from './context.ts'
import { requireEnrolling, whoseOf } from './enrolling.ts'
import type { StoredFactor } from './factor-store.ts'
import { factorName } from './name.ts'
import { contended, type Refusal, refusal } from './outcome.ts'
import { endOf, type Match, match, parseCode } from './totp/code.ts'
import { claimPending, keepPending, readPending } from './totp/enrolment.ts'
import type { TotpSettings } from './totp/options.ts'
import { codesOf, uriOf } from './totp/packages.ts'
import { qrSvg } from './totp/qr.ts'
import { newTotpSecret, openSecret, sealSecret, type TotpSecret } from './totp/secret.ts'

/** What a person needs to add this site to their app. Show it once, over TLS, on a page that is not cached; it is the factor itself. */
export interface TotpEnrolment {
  /** What the QR code holds: `otpauth://totp/...`. A link to it opens the app on a phone. */
  readonly uri: string
  /** The same secret for who types it: 32 letters and digits (base32). Show it in groups of four. */
  readonly secret: string
  /** The QR code, an `<svg>` without style or script. */
  readonly svg: string
  /** Instant until which it may be confirmed, ten minutes from now. */
  readonly deadline: number
}

/** The proof was accepted. `factorId` is that of the app it came from. */
export interface TotpSuccess {
  readonly ok: true
  readonly factorId: string
}

/** Codes of authenticator apps: `stepUp.totp`. Every outcome of a try is a result; only misuse and faults throw. */
export interface Totp {
  /**
   * Starts an enrolment. Nothing counts until `confirm`; a second one in the same session replaces the first.
   *
   * @param options.account - Who it is for, as the app shows it: a user name or an address. At most 64 characters are kept, without colons.
   * @param options.title - Text for those who cannot see the QR code. Default English.
   * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT` - the last proof is over ten minutes old, or, with a second factor enrolled, is no
   * `aal2`: else a stolen password would add a thief's app (NIST SP 800-63B-4, 4.1.2.1).
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in.
   * @throws {ConfigError} `ERR_CONFIG_INVALID` - `otpauth` or `uqr` is not installed.
   * @example
   * const { svg, secret } = await stepUp.totp.begin(req.session, { account: user.email })
   */
  begin(session: Session<unknown>, options: { readonly account: string; readonly title?: string }): Promise<TotpEnrolment>

  /**
   * Ends an enrolment with a code from the app, and counts that code as proof: the session has `otp` from then on, and a new token. Offer to end the
   * other sessions now, by `session.revokeOthers()` (ASVS 5.0, 7.4.3).
   *
   * @param code - What the person typed, whatever it is.
   * @param options.name - What they call it, such as `My phone`. Default `Authenticator app`.
   * @returns The factor; or `wrong`, and it may be tried again; `expired` when there is nothing to confirm; `full` when the person has
   * as many apps as `most` allows.
   * @throws {AssuranceError} {SessionStateError} {ConfigError} As `begin`, with ten minutes more.
   * @example
   * const outcome = await stepUp.totp.confirm(req.session, body.code, { name: body.name })
   */
  confirm(
    session: Session<unknown>,
    code: unknown,
    options?: { readonly name?: string | undefined },
  ): Promise<TotpSuccess | Refusal>

  /**
   * Checks a code against every app of the session's subject, and records the proof: `otp`, a new token, the level that comes of it.
   *
   * A code counts once, in all processes, and no code of before it counts any more (RFC 6238, 5.2). Tries are counted before they are looked at.
   *
   * @param code - What the person typed, whatever it is: digits, with spaces between them as they like.
   * @returns `ok`; or `wrong`, one answer for all that is no valid code now; or `throttled`, which was not looked at.
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in; `ERR_ROTATION_PENDING`, `ERR_SESSION_COMMITTED` as `session.elevate`, with
   * the code spent.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE`, `ERR_STORE_CONTENDED` - nothing was proved; the code may be spent.
   * @see RFC 6238; NIST SP 800-63B-4, 3.1.4; ASVS 5.0, 6.5.1, 6.5.5
   * @example
   * const outcome = await stepUp.totp.verify(req.session, body.code)
   * if (!outcome.ok) return showForm(outcome.reason)
   */
  verify(session: Session<unknown>, code: unknown): Promise<TotpSuccess | Refusal>
}

const KIND = 'totp'
const MOST_ATTEMPTS = 8
const LONGEST_LABEL = 64

type Whose = ReturnType<typeof whoseOf>
type Opened = { readonly factor: StoredFactor; readonly secret: TotpSecret }

/** Makes the part. The session's subject is whose factors are looked at, and no caller can name another. */
export function makeTotp(context: StepUpContext, settings: TotpSettings): Totp {
  const { service, factors, vault, ledger, throttle } = context
  const { clock, random } = service.config

  function refuse({ sessionId, subject }: Whose, reason: string, factorId?: string): Refusal {
    service.events.emit({ type: 'factor.refused', kind: KIND, reason, factorId, sessionId, subject })
    return refusal('wrong')
  }

  /** The step of a code, and whose it is. All factors are looked at, whichever it is of. */
  async function find(code: string, opened: readonly Opened[]): Promise<{ of: Opened | undefined; match: Match }> {
    const now = clock()
    let found: { of: Opened | undefined; match: Match } = { of: undefined, match: { kind: 'wrong' } }
    for (const one of opened) {
      if (one.secret.digits !== code.length) continue
      const { skew } = settings
      const matched = match(code, await codesOf(one.secret), { now, skew, lastStep: one.secret.lastStep })
      if (matched.kind === 'step' || (matched.kind === 'replayed' && found.match.kind === 'wrong'))
        found = { of: one, match: matched }
    }
    return found
  }

  /**
   * Makes a step the last one of its factor. The ledger lets one caller through for each step, at once and everywhere; the factor's version keeps the
   * order, also where the ledger forgets (OTP-03; ASVS 5.0, 6.5.1).
   */
  async function spend({ factor, secret }: Opened, step: number): Promise<'spent' | 'replayed' | 'gone'> {
    const { id, subject } = factor
    if (!(await ledger.claim(`stepup:totp:${id}:${step}`, { now: clock(), deadline: endOf(step) }))) return 'replayed'
    let latest: Opened = { factor, secret }
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const sealed = sealSecret(vault, { ...latest.secret, lastStep: step }, { id, subject })
      const outcome = await factors.update(subject, id, latest.factor.version, { lastUsedAt: clock(), sealed })
      if (outcome === 'updated') return 'spent'
      if (outcome === 'gone') return 'gone'
      const again = open(await factors.list(subject)).find((one) => one.factor.id === id)
      if (again === undefined) return 'gone'
      if (again.secret.lastStep >= step) return 'replayed'
      latest = again
    }
    throw contended()
  }

  function open(stored: readonly StoredFactor[]): Opened[] {
    return stored.flatMap((factor) => {
      if (factor.kind !== KIND) return []
      const secret = openSecret(vault, factor.sealed, factor)
      if (secret !== undefined) return [{ factor, secret }]
      const { id, subject } = factor
      service.events.emit({ type: 'factor.refused', kind: KIND, reason: 'unreadable', factorId: id, subject })
      return []
    })
  }

  return {
    async begin(session, { account, title = 'QR code for your authenticator app' }) {
      if (typeof account !== 'string') throw misuse('account is no text; expected what the app shows, such as a user name')
      const whose = whoseOf(session)
      await requireEnrolling(context, session)
      const secret = newTotpSecret(random, settings)
      const { issuer } = settings
      // Apps cut the label at its first colon, and take what stands before it for the issuer.
      const label = factorName(account.slice(0, LONGEST_LABEL).replaceAll(':', ' '), issuer)
      const { uri, typedSecret } = await uriOf(secret, { issuer, label })
      const svg = await qrSvg(uri, title)
      const deadline = await keepPending(context, whose, { factorId: encodeId(newId(random, undefined)), secret })
      return { uri, secret: typedSecret, svg, deadline }
    },

    async confirm(session, typed, { name } = {}) {
      const whose = whoseOf(session)
      await requireEnrolling(context, session, true)
      const pending = await readPending(context, whose)
      if (pending === undefined) return refusal('expired')
      const { factorId, secret } = pending
      const code = parseCode(typed)
      if (code === undefined || code.length !== secret.digits) return refusal('wrong')
      const found = match(code, await codesOf(secret), { now: clock(), skew: settings.skew, lastStep: secret.lastStep })
      // No throttle: who may guess here was shown the secret.
      if (found.kind !== 'step') return refusal('wrong')
      if (!(await claimPending(context, pending))) return refusal('expired')

      const { subject, sessionId } = whose
      const now = clock()
      const sealed = sealSecret(vault, { ...secret, lastStep: found.step }, { id: factorId, subject })
      const outcome = await factors.add(
        {
          id: factorId,
          subject,
          kind: KIND,
          handle: undefined,
          name: factorName(name, 'Authenticator app'),
          createdAt: now,
          lastUsedAt: now,
          sealed,
        },
        { most: settings.most },
      )
      if (outcome !== 'added') return refusal(outcome === 'full' ? 'full' : 'expired')
      service.events.emit({ type: 'factor.added', kind: KIND, factorId, sessionId, subject })
      // It is the proof that `verify` would ask for half a minute later, from whoever holds the app.
      await session.elevate({ method: 'otp' })
      return { ok: true, factorId }
    },

    async verify(session, typed) {
      const whose = whoseOf(session)
      const { subject, sessionId } = whose
      const code = parseCode(typed)
      // It can be nobody's: whoever types it is not guessing.
      if (code === undefined) return refuse(whose, 'malformed')
      const verdict = await throttle.attempt(KIND, subject, session)
      if (!verdict.isAllowed) return refusal('throttled', verdict.retryAfter)

      const { of, match: matched } = await find(code, open(await factors.list(subject)))
      if (of === undefined || matched.kind !== 'step') return refuse(whose, matched.kind, of?.factor.id)
      const { id: factorId } = of.factor
      const spent = await spend(of, matched.step)
      if (spent !== 'spent') return refuse(whose, spent, factorId)
      await throttle.succeeded(KIND, subject, session)
      await session.elevate({ method: 'otp' })
      service.events.emit({ type: 'factor.used', kind: KIND, factorId, sessionId, subject })
      return { ok: true, factorId }
    },
  }
}
