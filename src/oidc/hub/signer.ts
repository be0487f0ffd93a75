/** What the hub needs of whoever signs: `tokens.signer` of `sojourn/tokens` has this shape, and so may your own. */

export interface LogoutSigner {
  /** The `iss` of every logout token, exactly as receivers know it. */
  readonly issuer: string
  /** Signs claims as a compact JWS whose header has this `typ`. */
  sign(claims: Readonly<Record<string, unknown>>, typ: string): Promise<string>
}
