import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { seededRandom } from 'sojourn/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** Two processes a round, both killed: 60 kills, and more on a machine so busy that they get little done in between. */
const LEAST_ROUNDS = 30
const MOST_ROUNDS = 150
const LEAST_SESSIONS = 500
const LEAST_REVOKED = 100
const LONGEST_LIFE = 160

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-crash-'))
  path = join(folder, 'sessions.db')
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const script = fileURLToPath(new URL('processes/crashing.ts', import.meta.url))
const acknowledgementsOf = (name: string) => join(folder, `${name}.txt`)

async function start(name: string): Promise<ChildProcess> {
  const args = ['--conditions=sojourn-source', '--no-warnings', script, path, acknowledgementsOf(name), name]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function killAfter(child: ChildProcess, milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  const isOver = once(child, 'exit')
  child.kill('SIGKILL')
  await isOver
  expect(child.signalCode).toBe('SIGKILL')
}

interface Acknowledged {
  version: number
  isRevoked: boolean
}

/** What a process was told is done, by session. A last line cut short was not acknowledged in full. */
function readAcknowledgements(name: string): Map<string, Acknowledged> {
  const sessions = new Map<string, Acknowledged>()
  const text = existsSync(acknowledgementsOf(name)) ? readFileSync(acknowledgementsOf(name), 'utf8') : ''
  for (const line of text.split('\n').slice(0, -1)) {
    const [word, id, version] = line.split(' ') as [string, string, string | undefined]
    const session = sessions.get(id) ?? { version: 1, isRevoked: false }
    sessions.set(id, session)
    if (word === 'updated') session.version = Number(version)
    if (word === 'revoked') session.isRevoked = true
  }
  return sessions
}

/** What is wrong with what the file holds of these sessions; a step that was under way at the kill may or may not be there. */
async function findLosses(sessions: ReadonlyMap<string, Acknowledged>): Promise<string[]> {
  const store = sqliteStore(path)
  const losses: string[] = []
  for (const [id, { version, isRevoked }] of sessions) {
    const found = await store.read(id)
    if (found === undefined) losses.push(`${id} is gone`)
    else if (isRevoked && found.kind !== 'tombstone') losses.push(`${id} is back`)
    else if (found.kind === 'record') {
      const { version: present, body } = found.record
      if (present < version || present > version + 1) losses.push(`${id} is at version ${present} instead of ${version}`)
      if (!Buffer.from(body).toString().startsWith(`body of version ${present} `)) losses.push(`${id} has a foreign body`)
    }
  }
  await store.close()
  return losses
}

function checkIntegrity(): unknown {
  const database = new DatabaseSync(path)
  const result = database.prepare('PRAGMA integrity_check').get()?.integrity_check
  database.close()
  return result
}

describe('sqliteStore killed at any moment', () => {
  it('loses no acknowledged write, brings back no revoked session and corrupts nothing', { timeout: 120_000 }, async () => {
    const random = seededRandom(20_261_121)
    const someMoment = () => (random(1)[0]! / 256) * LONGEST_LIFE
    const all = new Map<string, Acknowledged>()
    const revoked = () => [...all.values()].filter(({ isRevoked }) => isRevoked).length
    const isEnough = () => all.size > LEAST_SESSIONS && revoked() > LEAST_REVOKED
    let kills = 0

    for (let round = 0; round < LEAST_ROUNDS || (!isEnough() && round < MOST_ROUNDS); round++) {
      const names = [`round${round}x`, `round${round}y`]
      const children = await Promise.all(names.map(start))
      await Promise.all(children.map((child) => killAfter(child, someMoment())))
      kills += children.length
      const sessions = new Map(names.flatMap((name) => [...readAcknowledgements(name)]))
      for (const [id, session] of sessions) all.set(id, session)

      expect(await findLosses(sessions)).toEqual([])
      expect(checkIntegrity()).toBe('ok')
    }

    // Once more at the end: nothing that a later round did has undone an earlier one.
    expect(await findLosses(all)).toEqual([])
    expect(kills).toBeGreaterThanOrEqual(50)
    expect(all.size).toBeGreaterThan(LEAST_SESSIONS)
    expect(revoked()).toBeGreaterThan(LEAST_REVOKED)
  })
})
