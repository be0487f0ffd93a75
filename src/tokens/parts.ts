/** What the parts of `createTokens` give each other. */
import type { Acr } from '../core/assurance.ts'
import type { Session } from '../core/session.ts'
import type { EndpointRequest } from '../http/endpoints.ts'
import type { RegisteredClient } from './options.ts'

/** Signs whatever this issuer says: access tokens, and logout tokens of the hub (`sojourn/oidc`), which take it by this shape. */
export interface TokenSigner {
  readonly issuer: string
  readonly algorithm: string
  /**
   * Signs claims as a compact JWS with the key of now.
   *
   * @param typ - The JWT's type, such as `at+jwt` or `logout+jwt`: no kind of token passes for another (RFC 8725, 3.11).
   */
  sign(claims: Readonly<Record<string, unknown>>, typ: string): Promise<string>
  /** The public keys, newest first: those that sign, that will, and that did. */
  jwks(): Promise<{ readonly keys: readonly Readonly<Record<string, unknown>>[] }>
}

/** `signing-keys.ts` */
export interface SigningKeys extends TokenSigner {
  /** For the console and for start-up checks; nothing secret. */
  status(): Promise<readonly SigningKeyStatus[]>
  /**
   * The public key of this `kid`, `undefined` for any other. For tokens of our own that come back, at introspection.
   */
  publicKey(kid: string): Promise<Readonly<Record<string, unknown>> | undefined>
}

export interface SigningKeyStatus {
  readonly kid: string
  readonly algorithm: string
  readonly state: 'published' | 'signing' | 'retired'
  readonly signsFrom: number
  readonly signsUntil: number
  readonly publishedUntil: number
}

/** What an access token is minted with; all of it optional. */
export interface MintOptions {
  /** Who it is for. Default: the default audience. */
  readonly audience?: string | readonly string[]
  /** Scopes, without blanks. Default none. */
  readonly scope?: readonly string[]
  /** Who asked for it, `client_id`. Default: the issuer, for tokens this application uses itself. */
  readonly clientId?: string
  /** Thumbprint of the key it is bound to (`cnf.jkt`, RFC 9449, 6.1). Default: bound to none. */
  readonly jkt?: string
  /**
   * Level to say instead of the highest, for a service that asks for a lower one that was proved more recently: `auth_time` is since when this one has held.
   * Default: all that was proved.
   */
  readonly acr?: Acr
  /** Further claims; none of those this library sets. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** An access token and what a client must know of it. */
export interface MintedAccessToken {
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP'
  /** Until when it is good, in epoch milliseconds. */
  readonly expiresAt: number
}

/** The claims of an access token of ours (RFC 9068, 2.2). Times are seconds. */
export interface AccessTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly client_id: string
  readonly iat: number
  readonly exp: number
  readonly jti: string
  /** Public id of the session it dies with. */
  readonly sid: string
  readonly scope?: string
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly auth_time?: number
  readonly cnf?: { readonly jkt: string }
}

/** What a session is to whoever mints from it. `Session` and `SessionRecord` both give it. */
export interface MintingSession {
  readonly id: string
  readonly subject: string
  readonly facts: readonly { readonly method: string; readonly at: number; readonly strength: 1 | 2 | 3 }[]
  readonly doubtedAt: number | undefined
  /** Instant after which it is over if nothing happens. */
  readonly deadline: number
}

/** `access-token.ts` */
export interface AccessTokens {
  mint(session: MintingSession, options?: MintOptions): Promise<MintedAccessToken>
  /** The claims of a token of ours that is within its time; `undefined` for anything else. Says nothing of its session. */
  read(accessToken: string): Promise<AccessTokenClaims | undefined>
}

/** A pair for an app: what the token endpoint answers. */
export interface GrantedTokens extends MintedAccessToken {
  readonly refreshToken: string
  readonly scope: readonly string[]
}

export interface GrantOptions extends Pick<MintOptions, 'audience' | 'scope' | 'jkt'> {
  readonly clientId: string
}

/**
 * Why a refresh token gives nothing. `ended`: with its session, by revocation, or because its client may no longer have it. `expired`: not used for too long.
 * `reused`: it was replaced, and its time is over: family and session have ended. `doubted`: nothing proved at its grant counts any more.
 */
export type RefreshRefusal =
  | 'malformed'
  | 'forged'
  | 'ended'
  | 'expired'
  | 'reused'
  | 'doubted'
  | 'other-client'
  | 'other-key'
  | 'wider-scope'

export type RefreshOutcome =
  | { readonly ok: true; readonly tokens: GrantedTokens }
  | { readonly ok: false; readonly reason: RefreshRefusal }

/** `refresh-tokens.ts` */
export interface RefreshTokens {
  /** Starts a family in this session. */
  grant(session: Session<unknown>, options: GrantOptions): Promise<GrantedTokens>
  refresh(
    refreshToken: string,
    options: { readonly clientId: string; readonly jkt?: string | undefined; readonly scope?: readonly string[] | undefined },
  ): Promise<RefreshOutcome>
  /** Whose it is, without using it; `undefined` when it is good for nothing. */
  inspect(refreshToken: string): Promise<
    | {
        readonly clientId: string
        readonly sessionId: string
        readonly subject: string
        readonly scope: readonly string[]
        readonly deadline: number
        readonly jkt: string | undefined
      }
    | undefined
  >
  /** Which grant it is of, any of its tokens, replaced ones too; `undefined` once that has ended. */
  grantOf(refreshToken: string): Promise<{ readonly clientId: string; readonly sessionId: string } | undefined>
  /** Ends the family of a token of this client's. `false` when it is not one. The session lives on. */
  revoke(refreshToken: string, options: { readonly clientId: string }): Promise<boolean>
}

/** What came of a DPoP proof. */
export type ProofOutcome =
  | { readonly ok: true; readonly jkt: string }
  | {
      readonly ok: false
      readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce'
      readonly reason: string
      readonly nonce?: string | undefined
    }

/** `dpop.ts` */
export interface DpopProofs {
  /**
   * Judges the proof of a request (RFC 9449, 4.3).
   *
   * @param request.proof - The value of its `DPoP` header as it came, several joined; `undefined` where one is needed and none came.
   * @param request.url - The URL it was sent to, as clients spell it: issuer and path.
   * @param request.accessToken - The access token it came with, for `ath`.
   */
  check(request: {
    readonly proof: string | undefined
    readonly method: string
    readonly url: string
    readonly accessToken?: string
  }): Promise<ProofOutcome>
  /** For `DPoP-Nonce`, with every answer. */
  nonce(): string
}

/** `clients.ts` */
export interface Clients {
  /** Who calls. `undefined`: nobody this service knows, or a proof that is wrong; one answer for both. */
  authenticate(request: EndpointRequest, form: URLSearchParams): Promise<RegisteredClient | undefined>
}
