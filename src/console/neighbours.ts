/** Other parts the console shows, as far as it asks of them; each is optional, and anything alike will do. */

/** What `createTokens` of `sojourn/tokens` gives. */
export interface ConsoleTokens {
  signingKeys(): Promise<
    readonly {
      readonly kid: string
      readonly algorithm: string
      readonly state: 'published' | 'signing' | 'retired'
      readonly signsFrom: number
      readonly signsUntil: number
      readonly publishedUntil: number
    }[]
  >
}

type States = Readonly<Record<'watching' | 'due' | 'delivered' | 'dead', number>>

export interface ShownDelivery {
  readonly sessionId: string
  readonly clientId: string
  readonly subject: string
  readonly nextAt: number
  readonly endedAt: number | undefined
  readonly attempts: number
  readonly lastError: string | undefined
}

/** What `createHub` of `sojourn/oidc` gives. */
export interface ConsoleHub {
  deliveries(options?: { readonly limit?: number }): Promise<{
    readonly counts: States
    readonly clients: readonly {
      readonly id: string
      readonly name: string | undefined
      readonly isKnown: boolean
      readonly counts: States
    }[]
    readonly due: readonly ShownDelivery[]
    readonly dead: readonly ShownDelivery[]
  }>
  retry?(which?: { readonly clientId?: string; readonly sessionId?: string }): Promise<number>
}
