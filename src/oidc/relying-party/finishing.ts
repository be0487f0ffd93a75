/**
 * The way back: everything that can be wrong with a callback, in the order in which it is looked at. What fails is an answer, not an error: whoever
 * writes links can cause each of these. Nobody is signed in but by a transaction of this very browser, once.
 */
import { isSojournError } from '../../core/errors.ts'
import type { Session, SignInOptions } from '../../core/session.ts'
import { misuse } from '../../core/unit-of-work.ts'
import { noteOf, renewNote } from './age.ts'
import { redeemCode } from './code.ts'
import type { RelyingPartyContext } from './context.ts'
import { type IdTokenRefusal, proofOf, verifyIdToken } from './id-token.ts'
import { keepIdToken } from './id-token-keeping.ts'
import type { IdTokenClaims } from './options.ts'
import { queryOf, requestOf } from './starting.ts'
import type { AuthenticationTransaction, NoTransaction } from './transactions.ts'

/**
 * Why nobody was signed in.
 *
 * - `unknown-transaction`: this browser started none like it: another browser's callback, a planted link, a cookie that was lost.
 * - `expired`, `replayed`: it took over ten minutes, or came before.
 * - `issuer`: the answer is another provider's (mix-up, RFC 9207). `callback`: it is none: parameters twice, or no code.
 * - `denied`, `login-required`, `provider-error`: the provider said no; `login-required` is its answer to `prompt: 'none'`.
 * - `code`: the provider did not take the code for this client and transaction.
 * - `nonce`, `signature`, `audience` and the like: the ID token is not for this transaction, or not the provider's.
 * - `auth-time`, `acr`: it proves too little, or too old a proof.
 * - `no-subject`: `subjectOf` knows nobody. `signed-out`: the provider has ended the login meanwhile.
 * - `other-subject`, `session-changed`: a step-up by another person, or of a session that is not there any more.
 */
export type SignInRefusal =
  | NoTransaction
  | IdTokenRefusal
  | 'callback'
  | 'denied'
  | 'login-required'
  | 'provider-error'
  | 'code'
  | 'no-subject'
  | 'signed-out'
  | 'other-subject'
  | 'session-changed'

/** What `finish` comes to. */
export type SignInOutcome =
  | {
      readonly ok: true
      /** A step-up of a session whose login the provider has replaced meanwhile is a new sign-in of the same subject. */
      readonly kind: 'sign-in' | 'step-up'
      readonly subject: string
      /** A safe path of this site. */
      readonly returnTo: string
      readonly claims: IdTokenClaims
    }
  | { readonly ok: false; readonly reason: SignInRefusal }

/** Options of `finish`, as those of `session.signIn`. */
export interface FinishOptions extends Pick<SignInOptions<unknown>, 'isPersistent' | 'due'> {
  readonly keep?: readonly string[]
  /**
   * Signs the session in, in place of `session.signIn`. Give `(how) => stepUp.signIn(req.session, how)` where people may have second factors of this
   * application's own: the provider's word alone would else go round them. It must sign in this session, and hand on all it is given.
   */
  readonly signIn?: (how: SignInOptions<unknown>) => Promise<unknown>
}

/** What the provider says instead of a code (RFC 6749, 4.1.2.1; OpenID Connect Core 1.0, 3.1.2.6). */
const REASONS: ReadonlyMap<string, SignInRefusal> = new Map<string, SignInRefusal>([
  ['access_denied', 'denied'],
  ...['login_required', 'interaction_required', 'consent_required', 'account_selection_required'].map(
    (error) => [error, 'login-required'] as const,
  ),
])
/** Once each; with two of one, programs on the way may have looked at different ones. */
const SINGLE = ['state', 'code', 'iss', 'error']

/** What `notesAtStart` keeps with the session that starts in a request. */
export type NotesToCome = WeakMap<object, number>

export async function finishAtProvider(
  context: RelyingPartyContext,
  session: Session<unknown>,
  options: FinishOptions,
  notesToCome: NotesToCome,
): Promise<SignInOutcome> {
  const { settings, service } = context
  const outcome = await judge(context, session, options, notesToCome)
  if (!outcome.ok)
    service.events.emit({
      type: 'provider.sign-in-refused',
      issuer: settings.issuer,
      reason: outcome.reason,
      sessionId: session.id,
      subject: session.subject,
    })
  return outcome
}

const refused = (reason: SignInRefusal) => ({ ok: false, reason }) as const

async function judge(
  context: RelyingPartyContext,
  session: Session<unknown>,
  options: FinishOptions,
  notesToCome: NotesToCome,
): Promise<SignInOutcome> {
  const { settings, service, provider } = context
  const exchange = requestOf(session)
  const query = queryOf(exchange)
  if (exchange.facts.method !== 'GET' || SINGLE.some((name) => query.getAll(name).length > 1)) return refused('callback')
  const discovered = await provider.discover()
  const kinds = ['sign-in', 'step-up'] as const
  const now = service.config.clock()
  const transaction = await context.transactions().take(exchange, query.get('state') ?? undefined, { kinds, now })
  if (typeof transaction === 'string') return refused(transaction)
  const issuer = query.get('iss')
  if (issuer === null ? discovered.namesIssuer : issuer !== settings.issuer) return refused('issuer')
  const error = query.get('error')
  if (error !== null) return refused(REASONS.get(error) ?? 'provider-error')
  if (!query.get('code')) return refused('callback')

  const redeemed = await redeemCode(discovered, settings, query, transaction)
  if (!redeemed.ok) return refused(redeemed.reason)
  const { idToken } = redeemed
  const asked = { ...transaction, maxAge: transaction.maxAge }
  const claims = await verifyIdToken(idToken, discovered, settings, asked, service.config.clock())
  if (typeof claims === 'string') return refused(claims)
  try {
    const outcome =
      transaction.kind === 'step-up'
        ? await stepUp(context, session, options, { transaction, claims }, notesToCome)
        : await signIn(context, session, { ...options, claims, returnTo: transaction.returnTo }, notesToCome)
    if (outcome.ok && discovered.endSessionEndpoint !== undefined)
      await keepIdToken(context, { sessionId: session.id!, idToken, until: session.absoluteDeadline! })
    return outcome
  } catch (error) {
    if (isSojournError(error, 'ERR_SIGN_IN_SEVERED')) return refused('signed-out')
    throw error
  }
}

async function signIn(
  { settings }: RelyingPartyContext,
  session: Session<unknown>,
  {
    claims,
    returnTo,
    subject: known,
    signIn: signInBy = (how) => session.signIn(how),
    ...options
  }: FinishOptions & { readonly claims: IdTokenClaims; readonly returnTo: string; readonly subject?: string },
  notesToCome: NotesToCome,
): Promise<SignInOutcome> {
  const subject = known ?? (await settings.subjectOf(claims))
  if (subject === undefined) return refused('no-subject')
  if (typeof subject !== 'string') throw misuse('subjectOf gave no string')
  const proof = proofOf(claims, settings)
  const { iss: issuer, sub, sid, iat } = claims
  const exchange = requestOf(session)
  notesToCome.set(exchange, proof.provedAt)
  try {
    await signInBy({
      ...(options as Pick<SignInOptions<unknown>, 'isPersistent' | 'due'>),
      ...proof,
      subject,
      providerLink: { issuer, subject: sub, sid, issuedAt: iat * 1000 },
    } as SignInOptions<unknown>)
  } finally {
    notesToCome.delete(exchange)
  }
  return { ok: true, kind: 'sign-in', subject, returnTo, claims }
}

/** Another proof by the same person: the pair of issuer and `sub` that the session came of, and no other (session puzzling). */
async function stepUp(
  context: RelyingPartyContext,
  session: Session<unknown>,
  { signIn: signInBy }: FinishOptions,
  given: { readonly transaction: AuthenticationTransaction; readonly claims: IdTokenClaims },
  notesToCome: NotesToCome,
): Promise<SignInOutcome> {
  const { claims } = given
  const { sessionId, returnTo } = given.transaction
  const { subject, providerLink: link } = session
  if (subject === undefined || session.id !== sessionId || link === undefined) return refused('session-changed')
  if (link.issuer !== claims.iss || link.subject !== claims.sub) return refused('other-subject')
  if (link.sid !== claims.sid) {
    // Another login of the same person: this session must end with that one, which an old link would not say.
    const { isPersistent } = session
    const keep = Object.keys(session.data as object)
    // By the same way as at first, or a second factor of this application's own would not be due any more.
    const how = { ...(signInBy && { signIn: signInBy }), claims, returnTo, subject, keep, isPersistent }
    return await signIn(context, session, how, notesToCome)
  }
  const proof = proofOf(claims, context.settings)
  try {
    await session.elevate(proof)
  } catch (error) {
    if (isSojournError(error, 'ERR_SESSION_ENDED')) return refused('session-changed')
    throw error
  }
  await renewNote(context, session, proof.provedAt)
  return { ok: true, kind: 'step-up', subject, returnTo, claims }
}

/** What the guard keeps with a session that starts in this request. */
export function noteToCome(notesToCome: NotesToCome, request: object) {
  const provedAt = notesToCome.get(request)
  return provedAt === undefined ? undefined : noteOf(provedAt)
}
