/** The table that people choose a store by says what the stores say of themselves. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import memjs from 'memjs'
import pg from 'pg'
import type { Store } from 'sojourn'
import { cookieStore } from 'sojourn/stores/cookie'
import { memcachedStore } from 'sojourn/stores/memcached'
import { memoryStore } from 'sojourn/stores/memory'
import { postgresStore } from 'sojourn/stores/postgres'
import { redisStore } from 'sojourn/stores/redis'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../demo/demo-process.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'stores', 'README.md'), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
const [, ...columns] = rows.find(([first, second]) => first === '' && second?.includes('memory.md'))!
const names = columns.map((cell) => /^\[(\w+)\]/.exec(cell)![1]!)

const redis = new Redis({ lazyConnect: true })
const ledger = memoryStore()
afterAll(() => redis.disconnect())

/** None of them connects before it is asked something. */
const stores: Readonly<Record<string, () => Store>> = {
  memory: () => memoryStore(),
  sqlite: () => {
    const store = sqliteStore(join(temporaryFolder(), 'sessions.db'))
    onTestFinished(() => store.close())
    return store
  },
  redis: () => redisStore(redis),
  postgres: () => postgresStore(new pg.Pool()),
  memcached: () => memcachedStore(memjs.Client.create('127.0.0.1:1')),
  cookie: () => cookieStore({ ledger }),
}

function saysYes(row: string, name: string): boolean {
  const cells = rows.find(([first]) => first === row)!
  return cells[names.indexOf(name) + 1]!.startsWith('yes')
}

it('the table has a column for every store that keeps or carries records', () => {
  expect(names).toEqual(Object.keys(stores))
})

describe.each(names)('of %s', (name) => {
  it('it says what the store says', () => {
    const { capabilities } = stores[name]!()

    expect(saysYes("lists a person's sessions", name)).toBe(capabilities.listsSubjects)
    expect(saysYes('ends all of them in one step', name)).toBe(capabilities.revokesSubjects)
    expect(saysYes('finds sessions by the login at a provider they came of', name)).toBe(capabilities.revokesLinked === true)
    expect(saysYes('searches all sessions, by device, network, state and time', name)).toBe(capabilities.queries === true)
    expect(saysYes('limits how many a person has', name)).toBe(capabilities.limitsSubjects)
    expect(saysYes('merges what parallel requests write', name)).toBe(capabilities.carries === undefined)
    if (name !== 'cookie')
      expect(saysYes('an acknowledged revocation survives power loss', name)).toBe(capabilities.durableRevocation)
  })
})
