/**
 * Enrols an authenticator app for one reader of the window and for the librarian, with keys that are printed at start: so that anybody can see what a second factor is like
 * without scanning anything. A real site shows such a key once, to its owner alone, and keeps no copy.
 */
import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Secret, TOTP } from 'otpauth'
import { LIBRARIAN } from '../people.ts'
import type { Shop } from '../shop.ts'
import { StartError, systemCode } from '../start-error.ts'
import { writeOnce } from '../write-once.ts'

/** Who has a second factor from the start: a reader, and who looks after the shop. */
export const OWNERS = ['grace', LIBRARIAN] as const

const STEP = 30_000
/** Another process that opens on the same folder at the same time enrols meanwhile. */
const OTHERS_ENROL_WITHIN = 2000

interface Kept {
  readonly key: string
  /** Names the session key that the factor is sealed with. */
  readonly sealedWith: string
}

/**
 * The key of the owner's app, made at the first start and the same ever after; `undefined` once the owner has removed it.
 *
 * @param keys - The shop's session keys: a factor that was sealed with none of them is of no use, and made anew.
 */
export async function keepCodeKey(shop: Shop, owner: string, folder: string, keys: string): Promise<string | undefined> {
  const path = join(folder, `${owner}-code.key`)
  const names = keys.split(/[\s,]+/).map(nameOf)
  // In this order: whoever enrols writes the file first.
  const isEnrolled = await hasApp(shop, owner)
  const kept = readKept(path)
  if (kept !== undefined && names.includes(kept.sealedWith))
    return isEnrolled || (await willHaveApp(shop, owner)) ? kept.key : undefined
  if (isEnrolled) await shop.stepUp.removeAll(owner)
  if (kept !== undefined) rmSync(path, { force: true })
  return (await enrol(shop, owner, path, names[0] ?? '')) ?? keepCodeKey(shop, owner, folder, keys)
}

/** As the owner would: signs in, begins, confirms with a code, signs out. `undefined` where another process was faster. */
async function enrol({ sessions, stepUp }: Shop, owner: string, path: string, sealedWith: string): Promise<string | undefined> {
  const session = await sessions.signIn({ subject: owner, method: 'pwd' })
  try {
    const { secret: key } = await stepUp.totp.begin(session, { account: owner })
    if (!writeOnce(path, `${key} ${sealedWith}\n`)) return undefined
    for (let attempt = 0; attempt < 2; attempt++) {
      // The code of the step before: a code counts once, and the present one is for whoever signs in now.
      const code = TOTP.generate({ secret: Secret.fromBase32(key), timestamp: Date.now() - STEP })
      const { ok } = await stepUp.totp.confirm(session, code, { name: 'The key printed at start' })
      if (ok) return key
    }
    throw new StartError('The clock of this machine jumps, so that no code could be made; start again.')
  } finally {
    await session.signOut()
  }
}

async function hasApp({ factors }: Shop, owner: string): Promise<boolean> {
  return (await factors.list(owner)).some(({ kind }) => kind === 'totp')
}

async function willHaveApp(shop: Shop, owner: string): Promise<boolean> {
  for (let waited = 0; waited < OTHERS_ENROL_WITHIN; waited += 100) {
    if (await hasApp(shop, owner)) return true
    await pause(100)
  }
  return false
}

function nameOf(sessionKey: string): string {
  return createHash('sha256').update(`code key\0${sessionKey}`).digest('base64url').slice(0, 16)
}

function readKept(path: string): Kept | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new StartError(`The key file ${path} cannot be read (${systemCode(error)}); make it yours, or delete it.`)
  }
  const [, key, sealedWith] = /^([A-Z2-7]{32}) ([\w-]{16})\n$/.exec(text) ?? []
  if (key === undefined || sealedWith === undefined)
    throw new StartError(`The key file ${path} holds no usable key; delete it to make a new one.`)
  return { key, sealedWith }
}
