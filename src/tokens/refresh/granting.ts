/** Starting a family: for whom, for what, and where it is kept. */
import { ConfigError } from '../../core/errors.ts'
import type { SessionRecord } from '../../core/record.ts'
import type { Service } from '../../core/service.ts'
import { encodeId, hashSecret } from '../../core/token.ts'
import { invalidTokens, type RegisteredClient, type TokenSettings } from '../options.ts'
import type { GrantOptions, MintingSession } from '../parts.ts'
import { type Family, familiesOf, MOST_FAMILIES, withFamilies } from './family.ts'
import { FAMILY_BYTES, SECRET_BYTES } from './refresh-token.ts'

/** A thumbprint: SHA-256 in base64url (RFC 7638, 3). */
const THUMBPRINT = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** What a client may have of what a grant names; see `permitted`. */
export interface Permitted {
  readonly scope: readonly string[]
  readonly audience: string | readonly string[]
}

/**
 * Refuses clients where the store keeps no records: a refresh token would come back and find no session.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up.
 */
export function checkKeepsFamilies({ carrier, config }: Service, { clients }: TokenSettings): void {
  if (carrier === undefined || clients.size === 0) return
  throw invalidTokens(
    `there are clients, and the store '${config.store.name}' keeps no records`,
    'a store that keeps them, or no clients',
    'refresh tokens and introspection ask it about the session',
  )
}

/**
 * What is granted, checked against what its client may have.
 *
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - a client that is not configured, more than it may have, or no key where it must have one.
 */
export function checkedGrant(
  { clients, audience }: TokenSettings,
  options: GrantOptions,
): Permitted & { readonly clientId: string } {
  const client = clients.get(options.clientId)
  if (client === undefined) throw unfit('names a client that is not configured', 'one of the option clients')
  const scope = [...new Set(options.scope ?? [])]
  const wanted = options.audience ?? audience
  const { jkt } = options
  if (!scope.every((one) => client.scopes.includes(one)))
    throw unfit('names a scope its client may not have', 'some of its scopes')
  const audiences = typeof wanted === 'string' ? [wanted] : wanted
  if (audiences.length === 0 || !audiences.every((one) => client.audiences.includes(one)))
    throw unfit('names no audience that its client may have', 'some of its audiences')
  if (jkt !== undefined && !THUMBPRINT.test(jkt)) throw unfit('has no thumbprint in jkt', 'the one that a checked proof gave')
  if (jkt === undefined && client.dpop === 'required')
    throw unfit('names no key, and its client must prove one', 'jkt, the thumbprint that a checked proof gave')
  return { clientId: options.clientId, scope, audience: wanted }
}

function unfit(given: string, expected: string): ConfigError {
  return new ConfigError(`tokens.grant: the grant ${given}; expected ${expected}. See docs/guide/tokens.md.`, {
    code: 'ERR_ARGUMENT_INVALID',
  })
}

/** A new family, and the secret of its first token. Its id is unlike those of the session's other families. */
export function newFamily(
  service: Service,
  granted: Permitted & { readonly clientId: string; readonly jkt: string | undefined },
  { facts }: Pick<MintingSession, 'facts'>,
): { readonly family: Family; readonly secret: Buffer } {
  const { random, clock } = service.config
  const now = clock()
  const secret = Buffer.from(random(SECRET_BYTES))
  const id = encodeId(random(FAMILY_BYTES))
  const family: Family = {
    ...granted,
    id,
    facts,
    grantedAt: now,
    lastUsedAt: now,
    currentHash: hashSecret(secret),
    currentUsedAt: undefined,
    lineage: [],
  }
  return { family, secret }
}

/** The record's details with one family more. Where that is one too many, the one unused for longest makes room. */
export function withNewFamily(
  { details }: SessionRecord,
  family: Family,
  isExpired: (family: Family) => boolean,
): { readonly details: SessionRecord['details']; readonly dropped: Family | undefined } {
  const others = familiesOf(details).filter((other) => other.id !== family.id && !isExpired(other))
  const dropped =
    others.length < MOST_FAMILIES
      ? undefined
      : others.reduce((idle, other) => (other.lastUsedAt < idle.lastUsedAt ? other : idle))
  return { details: withFamilies(details, [...others.filter((other) => other !== dropped), family]), dropped }
}

/** What is left of a grant by what its client may have now: what was taken from a client since is taken from its families. */
export function permitted({ scope, audience }: Family, client: RegisteredClient): Permitted | undefined {
  const audiences = (typeof audience === 'string' ? [audience] : audience).filter((one) => client.audiences.includes(one))
  if (audiences.length === 0) return undefined
  return {
    scope: scope.filter((one) => client.scopes.includes(one)),
    audience: typeof audience === 'string' ? audience : audiences,
  }
}
