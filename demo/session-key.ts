/** The key that signs tokens and seals session data, made once and kept beside the data it protects. */
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartError, systemCode } from './start-error.ts'

/** Fine for a demonstration. A real site hands keys in from a secret store (SESSION_KEYS), so that a copied disk is not enough. */
export function keepSessionKey(folder: string): string {
  const path = join(folder, 'session.key')
  try {
    return readKey(path) ?? makeKey(path)
  } catch (error) {
    if (error instanceof StartError) throw error
    throw new StartError(
      `The key file ${path} cannot be read or written (${systemCode(error)}); make it yours, or set SESSION_KEYS.`,
    )
  }
}

function readKey(path: string): string | undefined {
  let key: string
  try {
    key = readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  if (/^[A-Za-z0-9_-]{43}$/.test(key)) return key
  throw new StartError(`The key file ${path} holds no usable key; delete it to make a new one, which signs everybody out.`)
}

/** Written whole under another name and then linked: of two processes that start at once, both end up with the same key. */
function makeKey(path: string): string {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flush: true })
  try {
    linkSync(draft, path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  const key = readKey(path)
  if (key === undefined) throw new StartError(`The key file ${path} vanished while it was made; start again.`)
  return key
}
