/** What the shop's TLS server is made with: a certificate of the demo's own authority, new at each start. */
import { generateKeyPairSync } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type Authority, keepAuthority } from './authority.ts'
import { authorityName, NAMES, publicKeyHash, signLeaf } from './certificates.ts'

/** More names than anybody tries by hand; a client that asks for ever new ones must not fill memory. */
const MOST_SUBDOMAINS = 50

const SUBDOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,10}localhost$/

export interface DemoTls {
  /** For `node:https`. */
  readonly options: {
    readonly key: string
    readonly cert: string
    readonly SNICallback: (name: string, answer: (error: Error | null, context?: SecureContext) => void) => void
  }
  readonly authority: Authority
  readonly authorityName: string
  /** Of the authority's public key: Chromium takes it in `--ignore-certificate-errors-spki-list`. */
  readonly authorityHash: string
}

/** @throws {StartError} when the authority's files are of no use. */
export async function openTls(dataFolder: string, now: number): Promise<DemoTls> {
  const authority = await keepAuthority(dataFolder, now)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  // The authority's own certificate goes along, so that a browser that was told its hash alone finds it.
  const certify = async (names: readonly string[]) =>
    `${await signLeaf(authority.key, publicKey, names, now)}${authority.certificate}`
  const subdomains = new Map<string, Promise<SecureContext>>()

  // One certificate for `*.localhost` would not do: browsers take no wildcard right under a top-level name.
  const contextOf = (name: string): Promise<SecureContext> => {
    const made = subdomains.get(name) ?? certify([name]).then((cert) => createSecureContext({ key, cert }))
    subdomains.set(name, made)
    return made
  }
  return {
    options: {
      key,
      cert: await certify(NAMES),
      SNICallback(name, answer) {
        const isOurs = SUBDOMAIN.test(name) && (subdomains.has(name) || subdomains.size < MOST_SUBDOMAINS)
        if (!isOurs) answer(null)
        else contextOf(name).then((context) => answer(null, context), answer)
      },
    },
    authority,
    authorityName: authorityName(authority.key),
    authorityHash: publicKeyHash(authority.key),
  }
}
