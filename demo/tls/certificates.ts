/**
 * Makes the demo's certificates. The library that writes them (pkijs, over the runtime's own cryptography) is a development
 * dependency, so only what `--tls` loads imports this file.
 */
import { createPublicKey, hash, type KeyObject, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { type BaseBlock, BitString, Integer, OctetString, Utf8String } from 'asn1js'
import {
  AttributeTypeAndValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
  GeneralNames,
  GeneralSubtree,
  NameConstraints,
  PublicKeyInfo,
  type RelativeDistinguishedNames,
} from 'pkijs'

const DAY = 86_400_000

/** A leaf is made at each start; a demo is not left running for longer. */
export const LEAF_DAYS = 90
const AUTHORITY_DAYS = 730

/** What the authority may sign for. `app.test` can belong to nobody (RFC 6761, 6.2): tests map it to this machine. */
export const NAMES = ['localhost', 'app.test', '127.0.0.1', '::1'] as const

const OID = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const

/**
 * The certificate of an authority that can speak for this machine's own names and for nothing else: who steals its key cannot
 * pass for a bank in the browsers that trust it (RFC 5280, 4.2.1.10).
 *
 * @param key - Its private key, P-256.
 * @param now - Epoch milliseconds.
 * @returns PEM.
 */
export function signAuthority(key: KeyObject, now: number): Promise<string> {
  const permittedSubtrees = NAMES.map((name) => new GeneralSubtree({ base: generalName(name, 'one host') }))
  const publicKey = createPublicKey(key)
  return sign(key, publicKey, authorityName(key), now, AUTHORITY_DAYS, [
    extension(OID.basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema(), 'critical'),
    // keyCertSign, RFC 5280, 4.2.1.3.
    extension(OID.keyUsage, new BitString({ valueHex: Uint8Array.of(0x04).buffer, unusedBits: 2 }), 'critical'),
    // The constraints say nothing of mail addresses or programs: servers are all that it may sign for.
    extension(OID.extKeyUsage, new ExtKeyUsage({ keyPurposes: [OID.serverAuth] }).toSchema()),
    extension(OID.nameConstraints, new NameConstraints({ permittedSubtrees }).toSchema(), 'critical'),
    extension(OID.subjectKeyIdentifier, keyIdentifier(publicKey)),
  ])
}

/**
 * A server's certificate.
 *
 * @param authority - The private key of who signs it.
 * @param publicKey - The server's, P-256.
 * @param names - Host names and addresses it is valid for.
 * @param now - Epoch milliseconds.
 * @returns PEM.
 */
export function signLeaf(authority: KeyObject, publicKey: KeyObject, names: readonly string[], now: number): Promise<string> {
  const altNames = new GeneralNames({ names: names.map((name) => generalName(name)) })
  const issuer = new AuthorityKeyIdentifier({ keyIdentifier: keyIdentifier(createPublicKey(authority)) })
  return sign(authority, publicKey, names[0] ?? '', now, LEAF_DAYS, [
    extension(OID.basicConstraints, new BasicConstraints({ cA: false }).toSchema(), 'critical'),
    // digitalSignature: TLS 1.3 asks for no more.
    extension(OID.keyUsage, new BitString({ valueHex: Uint8Array.of(0x80).buffer, unusedBits: 7 }), 'critical'),
    extension(OID.extKeyUsage, new ExtKeyUsage({ keyPurposes: [OID.serverAuth] }).toSchema()),
    extension(OID.subjectAltName, altNames.toSchema()),
    extension(OID.subjectKeyIdentifier, keyIdentifier(publicKey)),
    extension(OID.authorityKeyIdentifier, issuer.toSchema()),
  ])
}

/** Names the key, so that two demos' authorities are told apart in a list of trusted ones, and removed one by one. */
export function authorityName(key: KeyObject): string {
  return `Sojourn Books demo ${Buffer.from(publicKeyHash(key), 'base64').toString('hex', 0, 4)}`
}

/** SHA-256 of the public key as certificates write it, base64: what browsers call an SPKI hash. */
export function publicKeyHash(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'base64')
}

async function sign(
  authority: KeyObject,
  publicKey: KeyObject,
  subject: string,
  now: number,
  days: number,
  extensions: Extension[],
): Promise<string> {
  const certificate = new Certificate({
    version: 2,
    // Positive and without leading zeros: 1 to 127 first, then chance.
    serialNumber: new Integer({ valueHex: Uint8Array.from([0x40, ...randomBytes(15)]).buffer }),
    subjectPublicKeyInfo: PublicKeyInfo.fromBER(publicKey.export({ type: 'spki', format: 'der' })),
    extensions,
  })
  setName(certificate.subject, subject)
  setName(certificate.issuer, authorityName(authority))
  // Whole seconds, as certificates keep them; an hour back for machines whose clocks disagree.
  const second = Math.floor(now / 1000) * 1000
  certificate.notBefore.value = new Date(second - 3_600_000)
  certificate.notAfter.value = new Date(second + days * DAY)
  const signingKey = authority.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  await certificate.sign(signingKey, 'SHA-256')
  const lines =
    Buffer.from(certificate.toSchema(true).toBER())
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function setName(name: RelativeDistinguishedNames, commonName: string): void {
  name.typesAndValues.push(new AttributeTypeAndValue({ type: OID.commonName, value: new Utf8String({ value: commonName }) }))
}

function extension(extnID: string, value: BaseBlock, critical?: 'critical'): Extension {
  return new Extension({ extnID, critical: critical !== undefined, extnValue: value.toBER() })
}

/** RFC 7093, 2: the leftmost 160 bits of a SHA-256. */
function keyIdentifier(publicKey: KeyObject): OctetString {
  return new OctetString({ valueHex: Uint8Array.from(Buffer.from(publicKeyHash(publicKey), 'base64').subarray(0, 20)).buffer })
}

/** A host name, an IPv4 address or `::1`. A constraint on addresses names a range; here it is one host's (RFC 5280, 4.2.1.10). */
function generalName(name: string, range?: 'one host'): GeneralName {
  if (isIP(name) === 0) return new GeneralName({ type: 2, value: name })
  const address = isIP(name) === 4 ? name.split('.').map(Number) : [...Array<number>(15).fill(0), 1]
  const mask = range === undefined ? [] : address.map(() => 0xff)
  return new GeneralName({ type: 7, value: new OctetString({ valueHex: Uint8Array.from([...address, ...mask]).buffer }) })
}
