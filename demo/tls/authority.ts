/**
 * The demo's own certificate authority: made once and kept in the data folder, so that a browser has to be told of it once only.
 *
 * Two files. `tls-authority.pem` is the certificate, for everybody; `tls-authority.key` is the key, for whoever runs the demo.
 * No certificate of a server is kept: each start makes one.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartError, systemCode } from '../start-error.ts'
import { LEAF_DAYS, signAuthority } from './certificates.ts'

/** One that ends before a leaf made today would is renewed. */
const RENEWED_BEFORE = LEAF_DAYS * 86_400_000

export interface Authority {
  readonly key: KeyObject
  /** PEM. */
  readonly certificate: string
  /** Where the certificate is, for the program that is to trust it. */
  readonly path: string
  /** Whether it took the place of one that was near its end, so that programs must be told anew. */
  readonly isRenewed: boolean
}

export function authorityPath(folder: string): string {
  return join(folder, 'tls-authority.pem')
}

/**
 * Reads the authority, or makes it.
 *
 * @param folder - The data folder.
 * @param now - Epoch milliseconds.
 * @throws {StartError} A file that is damaged, of another key, or not to be read or written.
 */
export async function keepAuthority(folder: string, now: number): Promise<Authority> {
  const path = authorityPath(folder)
  const keyPath = join(folder, 'tls-authority.key')
  try {
    const key = readKey(keyPath) ?? makeKey(keyPath)
    const known = read(path)
    if (known === undefined) {
      keep(path, await signAuthority(key, now), 0o644)
      return { key, certificate: checked(path, read(path), key).toString(), path, isRenewed: false }
    }
    const certificate = checked(path, known, key)
    if (certificate.validToDate.getTime() - now > RENEWED_BEFORE) {
      return { key, certificate: certificate.toString(), path, isRenewed: false }
    }
    const renewed = await signAuthority(key, now)
    replace(path, renewed)
    return { key, certificate: renewed, path, isRenewed: true }
  } catch (error) {
    if (error instanceof StartError) throw error
    if (systemCode(error) === 'unknown error') throw error
    throw new StartError(
      `The files of the certificate authority, ${path} and ${keyPath}, cannot be read or written (${systemCode(error)}); make them yours, or name another data folder: DEMO_DATA=/path/to/folder npm start -- --tls.`,
    )
  }
}

function readKey(path: string): KeyObject | undefined {
  const pem = read(path)
  if (pem === undefined) return undefined
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  } catch {
    // The sentence below says it better, and repeats nothing of what is in the file.
  }
  throw new StartError(
    `The key file ${path} holds no usable key; delete it and tls-authority.pem beside it, and a new authority is made, which browsers have to be told of again.`,
  )
}

function checked(path: string, pem: string | undefined, key: KeyObject): X509Certificate {
  try {
    const certificate = new X509Certificate(pem ?? '')
    if (certificate.ca && certificate.checkPrivateKey(key)) return certificate
  } catch {
    // As above.
  }
  throw new StartError(
    `The certificate file ${path} does not hold the certificate of the key beside it; delete it, and a new one is made, which browsers have to be told of again.`,
  )
}

function makeKey(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  keep(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600)
  const key = readKey(path)
  if (key === undefined) throw new StartError(`The key file ${path} vanished while it was made; start again.`)
  return key
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Of two processes that start at once, both end up with what the first wrote: a file is whole when it gets its name, and is kept. */
function keep(path: string, text: string, mode: number): void {
  const draft = write(path, text, mode)
  try {
    linkSync(draft, path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function replace(path: string, text: string): void {
  renameSync(write(path, text, 0o644), path)
}

function write(path: string, text: string, mode: number): string {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, text, { mode, flush: true })
  return draft
}
