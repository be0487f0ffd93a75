/** What a verifier tells of itself: past tense, and never a token. */

/** Why a token was refused; a word for logs. Clients are told the `error` of the answer alone. */
export type TokenRefusal =
  /** None came along. */
  | 'missing'
  /** Two headers, two schemes, or what is no token at all. */
  | 'several'
  | 'malformed'
  | 'oversize'
  /** The header: not `at+jwt`; not on the list; names its own key or asks for an extension. */
  | 'type'
  | 'algorithm'
  | 'header'
  | 'unknown-key'
  | 'signature'
  /** The claims: one is missing or of the wrong kind. */
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'from-the-future'
  | 'lifetime'
  /** Bound to a key and sent as if it were not, or the other way round. */
  | 'binding'
  | 'proof'
  /** Its session has ended, or the token itself was revoked. */
  | 'ended'
  | 'scope'
  | 'assurance'
  /** Nobody could say: keys, feed and introspection were away. Nothing is known of the token. */
  | 'unavailable'

export type VerifierEvent =
  | {
      readonly type: 'access-token.refused'
      readonly reason: TokenRefusal
      /** Which rule of a proof was broken, for `proof`. */
      readonly detail?: string | undefined
      /** Public ids, of tokens whose signature was good. */
      readonly sessionId?: string | undefined
      readonly clientId?: string | undefined
    }
  | { readonly type: 'keys.fetched'; readonly count: number; readonly skipped: number }
  | { readonly type: 'keys.failed'; readonly reason: string }
  | { readonly type: 'feed.connected'; readonly since: number }
  | { readonly type: 'feed.lost'; readonly reason: string }
  /** Ends may have been missed before `since`: older tokens are asked about. */
  | { readonly type: 'feed.gapped'; readonly since: number }
  /** The issuer sends beats too seldom for the budget: every token is asked about. */
  | { readonly type: 'feed.too-slow'; readonly beat: number; readonly budget: number }
  | { readonly type: 'introspection.failed'; readonly reason: string }

export type VerifierListener = (event: VerifierEvent) => void
