import { createHash, generateKeyPairSync, sign } from 'node:crypto'

/** DER, X.690: tag, length, content. */
function der(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}

const sequence = (...content: Uint8Array[]): Buffer => der(0x30, ...content)
const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const utcTime = (at: Date): Buffer => der(0x17, Buffer.from(`${at.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))

/** Names the certificate is for: RFC 5280, 4.2.1.6. */
function subjectAltNames(names: readonly string[]): Buffer {
  const list = sequence(...names.map((name) => der(0x82, Buffer.from(name))))
  return der(0xa3, sequence(sequence(hex('0603551d11'), der(0x04, list))))
}

export interface Certificate {
  readonly key: string
  readonly cert: string
  /** Base64 of SHA-256 of its public key: what Chromium's `--ignore-certificate-errors-spki-list` takes. */
  readonly keyHash: string
}

/**
 * A self-signed certificate for localhost, or for other names, valid for a day: RFC 5280, P-256. Made here because a bare machine has no
 * `openssl`, and none is kept in the repository because a key in a repository is found by every secret scanner.
 */
export function selfSignedCertificate(names: readonly string[] = ['localhost']): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSha256 = sequence(hex('06082a8648ce3d040302'))
  const name = sequence(der(0x31, sequence(hex('0603550403'), der(0x0c, Buffer.from(names[0]!)))))
  const day = 86_400_000
  const validity = sequence(utcTime(new Date(Date.now() - day)), utcTime(new Date(Date.now() + day)))
  const key = publicKey.export({ type: 'spki', format: 'der' })
  const version3 = der(0xa0, der(0x02, hex('02')))
  const serial = der(0x02, hex('01'))
  const toBeSigned = sequence(version3, serial, ecdsaWithSha256, name, validity, name, key, subjectAltNames(names))
  const signature = der(0x03, hex('00'), sign('sha256', toBeSigned, privateKey))
  const lines = sequence(toBeSigned, ecdsaWithSha256, signature)
    .toString('base64')
    .match(/.{1,64}/g)!
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    keyHash: createHash('sha256').update(key).digest('base64'),
  }
}
