/**
 * DPoP proofs: what a client signs to show that it has the key a token is bound to, for one request (RFC 9449, 4.2). The authorization server and services
 * judge them by the same rules (4.3), in this file; the cheap ones first, and the replay memory last, so that nobody else can use a proof up.
 */
import { equalInConstantTime, sha256 } from '../../core/crypto.ts'
import { seconds } from '../../core/duration.ts'
import { isProofAlgorithm, type ProofAlgorithm, type ProofKey, publicKeyIn, thumbprintOf } from './key.ts'
import type { Nonces } from './nonce.ts'
import type { ReplayMemory } from './replay.ts'
import { ownTarget, targetOf } from './url.ts'

/** A proof as it came: what it claims, not yet verified. */
export interface ClaimedProof {
  readonly jwt: string
  readonly algorithm: ProofAlgorithm
  readonly key: ProofKey
  readonly jti: string
  readonly htm: string
  readonly htu: string
  /** In seconds. */
  readonly iat: number
  readonly ath: string | undefined
  readonly nonce: string | undefined
}

/** Why a proof is refused; a word for events and tests. Clients are told the `error` alone. */
export type ProofRefusal =
  /** None, or an empty one. */
  | 'missing'
  /** More than one header, which HTTP joins with a comma. */
  | 'several'
  | 'oversize'
  | 'malformed'
  | 'type'
  /** Unknown, symmetric, `none`, or not allowed. */
  | 'algorithm'
  /** None, of another kind than the algorithm's, or with its private part. */
  | 'key'
  /** One that is required is missing, or of the wrong type or length. */
  | 'claims'
  | 'other-method'
  | 'other-url'
  /** `ath` is missing, or of another token. */
  | 'other-token'
  /** Not the key the token is bound to. */
  | 'other-key'
  | 'too-old'
  | 'from-the-future'
  | 'nonce-missing'
  /** Over, or none of ours. */
  | 'nonce-unknown'
  | 'signature'
  | 'replayed'

/** What a proof is judged by. */
export interface ProofRules {
  readonly algorithms: readonly ProofAlgorithm[]
  /** How old a proof may be, in milliseconds. */
  readonly window: number
  /** How far ahead the client's clock may be, in milliseconds; and those of several processes among themselves. */
  readonly skew: number
  readonly replay: ReplayMemory
  /** Put before each key in `replay`, where other things are remembered there too. */
  readonly replayPrefix?: string
  /** Where nonces are given out. */
  readonly nonces?: Nonces | undefined
  /** Whether a proof without one is refused. */
  readonly isNonceRequired?: boolean
}

/** The request a proof came with. */
export interface ProofRequest {
  /** The value of the `DPoP` header as it came, several joined with a comma; `undefined` without one. */
  readonly proof: string | undefined
  readonly method: string
  /** Where clients send this request to, as they spell it; never made of the `Host` header, which the client writes itself. */
  readonly url: string
  /** The access token that came along, where one did. */
  readonly accessToken?: string | undefined
  /** The key that token is bound to, its `cnf.jkt`. */
  readonly jkt?: string | undefined
  readonly now: number
}

export type Judgement =
  | { readonly ok: true; readonly jkt: string; readonly algorithm: ProofAlgorithm }
  | { readonly ok: false; readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce'; readonly reason: ProofRefusal }

/** A proof that is in order, and may have been used before. */
export interface VerifiedProof {
  readonly ok: true
  readonly jkt: string
  readonly algorithm: ProofAlgorithm
  readonly jti: string
  /** Until when it counts. */
  readonly deadline: number
}

type Refused = Extract<Judgement, { ok: false }>

/** Defaults of both servers. */
export const PROOF_WINDOW: number = seconds(60)
export const PROOF_SKEW: number = seconds(5)

/** A proof of the largest elliptic curve has about 900 characters. Nothing longer is parsed. */
const LONGEST = 4096
/** ML-DSA-65: 1,952 bytes of key, encoded twice, and 3,309 of signature. */
const LONGEST_ML_DSA = 10_240
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/
/** RFC 9449 asks for 96 bits, 16 characters; 36 is a UUID. A short one only gets its own client into trouble, an endless one costs others. */
const JTI = { shortest: 8, longest: 256 }
const LONGEST_CLAIM = 2048

/** Reads a proof. No cryptography yet: garbage costs next to nothing. */
export function readProof(header: string | undefined, algorithms: readonly ProofAlgorithm[]): ClaimedProof | ProofRefusal {
  const jwt = header?.trim() ?? ''
  if (jwt === '') return 'missing'
  if (jwt.length > (algorithms.some((name) => name.startsWith('ML-')) ? LONGEST_ML_DSA : LONGEST)) return 'oversize'
  if (jwt.includes(',')) return 'several'
  if (!JWT.test(jwt)) return 'malformed'
  const [protectedHeader, payload] = jwt.split('.', 2).map(objectIn)
  if (protectedHeader === undefined || payload === undefined) return 'malformed'
  const { typ, alg, jwk } = protectedHeader
  if (typ !== 'dpop+jwt') return 'type'
  if (!isProofAlgorithm(alg) || !algorithms.includes(alg)) return 'algorithm'
  // Extensions that a reader must understand or refuse (RFC 7515, 4.1.11); a proof has none.
  if ('crit' in protectedHeader) return 'malformed'
  const key = publicKeyIn(jwk, alg)
  if (key === undefined) return 'key'
  const { jti, htm, htu, iat, ath, nonce } = payload
  const isComplete = isText(jti, JTI.longest) && jti.length >= JTI.shortest && isText(htm) && isText(htu) && Number.isFinite(iat)
  if (!isComplete || !isTextIfGiven(ath) || !isTextIfGiven(nonce)) return 'claims'
  return { jwt, algorithm: alg, key, jti, htm, htu, iat: iat as number, ath, nonce }
}

/**
 * Judges the proof of a request, all of RFC 9449, 4.3.
 *
 * @returns The thumbprint of the key that made it; or why it is refused. `use_dpop_nonce`: the client may try again with the nonce it is sent.
 * @throws What `rules.replay` throws: a service that cannot tell whether a proof was used accepts none.
 */
export async function judgeProof(request: ProofRequest, rules: ProofRules): Promise<Judgement> {
  const verified = await verifyProof(request, rules)
  return verified.ok ? claimProof(verified, rules, request.now) : verified
}

/** The first part of `judgeProof`, for who has more to find out before the proof is used up: all but whether it was used before. */
export async function verifyProof(request: ProofRequest, rules: ProofRules): Promise<VerifiedProof | Refused> {
  const { now } = request
  const proof = readProof(request.proof, rules.algorithms)
  if (typeof proof === 'string') return refused(proof)
  if (proof.htm !== request.method) return refused('other-method')
  if (!isSameTarget(proof.htu, request.url)) return refused('other-url')
  if (request.accessToken !== undefined && !isSame(proof.ath, hashOfToken(request.accessToken))) return refused('other-token')
  const jkt = thumbprintOf(proof.key)
  if (request.jkt !== undefined && !isSame(request.jkt, jkt)) return refused('other-key')
  const time = timeOf(proof, rules, now)
  if ('reason' in time) return time
  if (!(await isSigned(proof))) return refused('signature')
  return { ok: true, jkt, algorithm: proof.algorithm, jti: proof.jti, deadline: time.deadline }
}

/** The second part: uses it up. @param now - It may have run out meanwhile, and what has run out is remembered no longer. */
export async function claimProof(
  { jkt, algorithm, jti, deadline }: VerifiedProof,
  { replay, replayPrefix = '', skew }: ProofRules,
  now: number,
): Promise<Judgement> {
  if (now > deadline) return refused('too-old')
  // Kept a little longer than the proof counts: the next process's clock may be behind ours.
  const isFirst = await replay.claim(replayPrefix + replayKey(jkt, jti), { now, deadline: deadline + skew })
  return isFirst ? { ok: true, jkt, algorithm } : refused('replayed')
}

/** `ath` (RFC 9449, 4.2): the hash of a token, in base64url. */
export function hashOfToken(accessToken: string): string {
  return sha256(Buffer.from(accessToken)).toString('base64url')
}

/** The client's clock decides, or ours where a nonce says when the proof was made at the earliest. */
function timeOf(
  { iat, nonce }: ClaimedProof,
  { nonces, isNonceRequired, window, skew }: ProofRules,
  now: number,
): { readonly deadline: number } | Refused {
  if (nonces !== undefined) {
    const deadline = nonce === undefined ? undefined : nonces.deadlineOf(nonce, now)
    if (deadline !== undefined) return { deadline }
    if (nonce !== undefined) return refused('nonce-unknown', 'use_dpop_nonce')
    if (isNonceRequired === true) return refused('nonce-missing', 'use_dpop_nonce')
  }
  // A client whose clock is wrong is told a nonce where there are any: with it, its clock no longer matters.
  const error = nonces === undefined ? 'invalid_dpop_proof' : 'use_dpop_nonce'
  const at = iat * 1000
  if (at > now + skew) return refused('from-the-future', error)
  if (at < now - window) return refused('too-old', error)
  return { deadline: at + window }
}

/** Of one key, since every client counts for itself; and hashed, so that none is too long to keep (RFC 9449, 11.1). */
function replayKey(jkt: string, jti: string): string {
  return sha256(Buffer.from(`${jkt} ${jti}`)).toString('base64url')
}

/** With the key in its header and by no other means it may name: `kid`, `jku` and `x5u` are never looked at (RFC 8725, 3.10). */
async function isSigned({ jwt, key, algorithm }: ClaimedProof): Promise<boolean> {
  const { compactVerify, importJWK } = await import('jose')
  try {
    await compactVerify(jwt, await importJWK({ ...key }, algorithm), { algorithms: [algorithm] })
    return true
  } catch {
    return false
  }
}

function isSameTarget(htu: string, url: string): boolean {
  const target = targetOf(htu)
  return target !== undefined && target === ownTarget(url)
}

function isSame(given: string | undefined, expected: string): boolean {
  return given !== undefined && equalInConstantTime(Buffer.from(given), Buffer.from(expected))
}

function refused(reason: ProofRefusal, error: 'invalid_dpop_proof' | 'use_dpop_nonce' = 'invalid_dpop_proof') {
  return { ok: false, error, reason } as const
}

function objectIn(part: string): Record<string, unknown> | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url'))
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function isText(value: unknown, longest: number = LONGEST_CLAIM): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longest
}

function isTextIfGiven(value: unknown): value is string | undefined {
  return value === undefined || isText(value)
}
