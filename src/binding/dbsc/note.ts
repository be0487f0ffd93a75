/** What a session's record keeps of its key binding. As small as can be: it is read with every record. */
import type { JsonObject } from '../../core/patch.ts'
import type { Details, SessionRecord } from '../../core/record.ts'

/** Under which it is kept. */
export const NOTE = 'dbsc'

export type Algorithm = 'ES256' | 'RS256'

/** A device's public key: public members only. */
export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }

/** The browser was asked to make a key, at the session's start. */
export interface Offered {
  readonly kind: 'offered'
  readonly at: number
}

/** The browser's key is known: from now on the session is worth nothing without it. */
export interface Bound {
  readonly kind: 'bound'
  readonly at: number
  readonly key: PublicJwk
  readonly algorithm: Algorithm
  /** Names the key in the bound cookie. */
  readonly thumbprint: string
  /** Issue instant of the latest challenge that was answered, 0 before the first; none of before counts again. */
  readonly answeredChallengeAt: number
  /** When that was. */
  readonly answeredAt: number
}

const READ = new WeakMap<JsonObject, Offered | Bound>()

/** What the record says; `undefined` where the session was never offered a binding. */
export function bindingOf({ details }: Pick<SessionRecord, 'details'>): Offered | Bound | undefined {
  const note = details.notes?.[NOTE]
  if (note === undefined) return undefined
  let binding = READ.get(note)
  if (binding === undefined) {
    // The record is under our MAC: nobody else wrote this.
    binding =
      note.k === undefined
        ? { kind: 'offered', at: note.o as number }
        : {
            kind: 'bound',
            at: note.b as number,
            key: note.k as unknown as PublicJwk,
            algorithm: note.a as Algorithm,
            thumbprint: note.t as string,
            answeredChallengeAt: note.c as number,
            answeredAt: note.u as number,
          }
    READ.set(note, binding)
  }
  return binding
}

export function offeredNote(at: number): JsonObject {
  return { o: at }
}

/** The record's details with another binding. */
export function withBinding(details: Details, binding: Omit<Bound, 'kind'>): Details {
  const { at, key, algorithm, thumbprint, answeredChallengeAt, answeredAt } = binding
  const note = { b: at, k: { ...key }, a: algorithm, t: thumbprint, c: answeredChallengeAt, u: answeredAt }
  return { ...details, notes: { ...details.notes, [NOTE]: note } }
}
