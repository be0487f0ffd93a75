/**
 * Where a session's sign-in came from: a login at an OpenID Provider. It is kept with the record, and indexed, so that the provider's
 * word that the login ended ends exactly the sessions that came of it (OpenID Connect Back-Channel Logout 1.0).
 */
import { sha256 } from './crypto.ts'

/** A login at a provider. `issuer` and `subject` together name one person; `sid` names one login of theirs. */
export interface ProviderLink {
  /** `iss` of the ID token, exactly. */
  readonly issuer: string
  /** `sub` of the ID token: the provider's name for the person, not the application's subject. */
  readonly subject: string
  /** `sid` of the ID token, where the provider gives one. */
  readonly sid?: string | undefined
  /** `iat` of the ID token, in epoch milliseconds. A logout that was said later ends what it made. */
  readonly issuedAt: number
}

/** What a provider says has ended: one login, or all of a person's. */
export type ProviderLogout = Pick<ProviderLink, 'issuer'> &
  ({ readonly sid: string; readonly subject?: string | undefined } | { readonly subject: string; readonly sid?: undefined })

/** Names a link in a store: SHA-256 of issuer and sid, or issuer and sub, 43 base64url characters that name nobody. */
export function linkKeyOf(issuer: string, kind: 'sid' | 'sub', value: string): string {
  return sha256(Buffer.from(JSON.stringify([kind, issuer, value]))).toString('base64url')
}
