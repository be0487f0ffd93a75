/**
 * Recovery codes: ten look-up secrets on paper, for the day a phone is lost (NIST SP 800-63B-4, 3.1.2 and 4.2.1.1). Each counts once.
 *
 * A code is something a person has, no more: alone it is `aal1`, with a password `aal2`, beside an authenticator app still one factor. It stands in for
 * the second factor, never for the first, and no code signs anybody in.
 */
import { equalInConstantTime } from '../core/crypto.ts'
import type { Session } from '../core/session.ts'
import { encodeId, newId } from '../core/token.ts'
import type { StepUpContext } from './context.ts'
import { enrolmentRequirement, FRESH, whoseOf } from './enrolling.ts'
import type { StoredFactor } from './factor-store.ts'
import { contended, type Refusal, refusal } from './outcome.ts'
import { hashOf, newCode, parseRecoveryCode, printed } from './recovery/code.ts'

/** How a person's codes stand. */
export interface RecoveryStatus {
  /** How many are left. */
  readonly left: number
  /** Whether so few are left, three or less, that new ones should be offered. */
  readonly isRunningOut: boolean
  /** When the set was made; `undefined` when there is none. */
  readonly madeAt: number | undefined
}

/** A code was accepted. */
export interface RecoverySuccess extends Pick<RecoveryStatus, 'left' | 'isRunningOut'> {
  readonly ok: true
  /** Whether the session may enrol a new factor now. Offer it: who uses a recovery code has lost the other one. */
  readonly mayEnrol: boolean
}

/** Codes for the day another factor is lost: `stepUp.recovery`. */
export interface Recovery {
  /**
   * Makes ten codes, and makes those of before worth nothing. Show them once, on a page that is not cached; nobody can read them again. Tell the
   * person by mail, too (NIST SP 800-63B-4, 4.6).
   *
   * @returns The codes as they are to be printed.
   * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT` - the session has not proved `aal2` in the last ten minutes: codes come with another factor, and
   * whoever has the password alone would make a second factor of their own (NIST SP 800-63B-4, 3.1.2.1).
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in.
   * @example
   * const { codes } = await stepUp.recovery.generate(req.session)
   */
  generate(session: Session<unknown>): Promise<readonly string[]>

  /**
   * Checks a code and spends it: of all who bring it, in all processes, one is let in. Records the proof: method `recovery`, a new token, the level that
   * comes of it. Tell the person by mail.
   *
   * @param code - What the person typed, whatever it is.
   * @returns `ok` with how many are left; or `wrong`, one answer for all that is no code of this person now; or `throttled`, not looked at.
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in: sign in with the first factor before. Else as `session.elevate`.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE`, `ERR_STORE_CONTENDED` - nothing was proved; the code may be spent.
   * @see NIST SP 800-63B-4, 3.1.2, 4.2.2.2; ASVS 5.0, 6.5.1, 6.5.2
   * @example
   * const outcome = await stepUp.recovery.use(req.session, body.code)
   * if (outcome.ok) return redirect(outcome.mayEnrol ? '/security/new-app' : '/')
   */
  use(session: Session<unknown>, code: unknown): Promise<RecoverySuccess | Refusal>

  /** How the codes of the session's subject stand. @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in. */
  status(session: Session<unknown>): Promise<RecoveryStatus>
}

const KIND = 'recovery'
const COUNT = 10
const FEW = 3
const MOST_ATTEMPTS = 16

/** What is sealed: hashes of the codes that are left, and when they were made. */
interface CodeSet {
  readonly hashes: readonly string[]
  readonly madeAt: number
}

/** Makes the part. */
export function makeRecovery(context: StepUpContext): Recovery {
  const { service, factors, vault, throttle } = context
  const { clock, random } = service.config

  async function find(subject: string): Promise<{ stored: StoredFactor; set: CodeSet | undefined } | undefined> {
    const stored = (await factors.list(subject)).find(({ kind }) => kind === KIND)
    return stored && { stored, set: vault.open(stored) as CodeSet | undefined }
  }

  function seal(set: CodeSet, id: string, subject: string): Uint8Array {
    return vault.seal(set, { id, subject, kind: KIND })
  }

  /** Puts a set where the old one is, in one step, or where none is. */
  async function keep(subject: string, codes: readonly string[]): Promise<string> {
    const madeAt = clock()
    const setFor = (id: string): CodeSet => ({ hashes: codes.map((code) => hashOf(code, id).toString('base64url')), madeAt })
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const found = await find(subject)
      const id = found?.stored.id ?? encodeId(newId(random, undefined))
      const sealed = seal(setFor(id), id, subject)
      if (found !== undefined) {
        if ((await factors.update(subject, id, found.stored.version, { sealed })) === 'updated') return id
        continue
      }
      const factor = {
        id,
        subject,
        kind: KIND,
        handle: undefined,
        name: 'Recovery codes',
        createdAt: madeAt,
        lastUsedAt: undefined,
        sealed,
      } as const
      if ((await factors.add(factor, { most: 1 })) === 'added') return id
    }
    throw contended()
  }

  /** Takes a code out of the set, at the set's version: of two callers with one code, the second finds it gone. */
  async function spend(subject: string, code: string): Promise<{ id: string; left: number } | 'wrong' | 'unreadable'> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const found = await find(subject)
      if (found === undefined) return 'wrong'
      if (found.set === undefined) return 'unreadable'
      const { id, version } = found.stored
      const given = hashOf(code, id)
      // Every hash is compared, in constant time, whichever it is.
      const others = found.set.hashes.filter((hash) => !equalInConstantTime(Buffer.from(hash, 'base64url'), given))
      if (others.length === found.set.hashes.length) return 'wrong'
      const sealed = seal({ ...found.set, hashes: others }, id, subject)
      const outcome = await factors.update(subject, id, version, { lastUsedAt: clock(), sealed })
      if (outcome === 'updated') return { id, left: others.length }
    }
    throw contended()
  }

  return {
    async generate(session) {
      const { subject, sessionId } = whoseOf(session)
      session.requireAssurance({ acr: 'aal2', maxAge: FRESH })
      const codes = Array.from({ length: COUNT }, () => newCode(random))
      const factorId = await keep(subject, codes)
      service.events.emit({ type: 'factor.added', kind: KIND, factorId, sessionId, subject })
      return codes.map(printed)
    },

    async use(session, typed) {
      const { subject, sessionId } = whoseOf(session)
      const refuse = (reason: string) => {
        service.events.emit({ type: 'factor.refused', kind: KIND, reason, sessionId, subject })
        return refusal('wrong')
      }
      const code = parseRecoveryCode(typed)
      // It can be nobody's: whoever types it is not guessing.
      if (code === undefined) return refuse('malformed')
      const verdict = await throttle.attempt(KIND, subject, session)
      if (!verdict.isAllowed) return refusal('throttled', verdict.retryAfter)

      const spent = await spend(subject, code)
      if (typeof spent === 'string') return refuse(spent)
      const { id: factorId, left } = spent
      await throttle.succeeded(KIND, subject, session)
      await session.elevate({ method: KIND })
      service.events.emit({ type: 'factor.used', kind: KIND, factorId, left, sessionId, subject })
      const mayEnrol = session.meets(enrolmentRequirement(await factors.list(subject)))
      return { ok: true, left, isRunningOut: left <= FEW, mayEnrol }
    },

    async status(session) {
      const set = (await find(whoseOf(session).subject))?.set
      const left = set?.hashes.length ?? 0
      return { left, isRunningOut: left <= FEW, madeAt: set?.madeAt }
    },
  }
}
