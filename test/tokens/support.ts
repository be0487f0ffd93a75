/** Tokens over a service on a fake clock: what the tests of minting share. */
import { createTokens, type Tokens, type TokensOptions } from '../../src/tokens/tokens.ts'
import { type LooseOptions, setUp } from '../core/support.ts'

export const ISSUER = 'https://shop.example'
export const API = 'https://api.shop.example'

export interface Minting {
  core?: LooseOptions
  tokens?: Partial<TokensOptions>
}

export function minting({ core, tokens: options }: Minting = {}) {
  const service = setUp(core)
  const tokens = createTokens(service.sessions, { issuer: ISSUER, audience: API, lifetimeJitter: 0, ...options })
  /** Mints from a session that starts for it. */
  const mint = async (...[given]: [Parameters<Tokens['mint']>[1]?]) =>
    tokens.mint(await service.sessions.signIn({ subject: 'ada', method: 'pwd' }), given)
  /** Names of the keys that are published. */
  const kids = async () => (await tokens.signer.jwks()).keys.map(({ kid }) => kid as string)
  return { ...service, tokens, mint, kids }
}

/** What a token says, read without believing it. */
export function partsOf(jwt: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const parsed = (part: number) => JSON.parse(Buffer.from(jwt.split('.')[part]!, 'base64url').toString())
  return { header: parsed(0), claims: parsed(1) }
}

/** A token with other parts under the signature it had. */
export function forged(jwt: string, change: { header?: object; claims?: object }): string {
  const { header, claims } = partsOf(jwt)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return [part({ ...header, ...change.header }), part({ ...claims, ...change.claims }), jwt.split('.')[2]].join('.')
}

export const kidOf = (jwt: string): string => partsOf(jwt).header.kid as string
