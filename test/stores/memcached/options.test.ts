import { createSessions } from 'sojourn'
import { memcachedStore } from 'sojourn/stores/memcached'
import { nearCache } from 'sojourn/stores/near-cache'
import { describe, expect, test } from 'vitest'
import { KEY } from '../../core/support.ts'
import { clientOf } from '../../servers/memcached.ts'

const invalid = { name: 'ConfigError', code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('docs/stores/memcached.md') }
/** Nothing is asked of it. */
const client = clientOf([{ port: 1 }])
const errorOf = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

describe('refused at start-up', () => {
  test.each([
    ['nothing', undefined],
    ['an address', 'localhost:11211'],
    ['another client', { get() {}, set() {} }],
    ['no server', { ...client, servers: [], getServer: () => 0 }],
  ])('%s for a client', (_case, given) => {
    expect(errorOf(() => memcachedStore(given as never))).toMatchObject(invalid)
  })

  test('a client that looks for sessions elsewhere while a server is away', () => {
    const error = errorOf(() => memcachedStore(clientOf([{ port: 1 }], { failover: true })))

    expect(error).toMatchObject({ ...invalid, message: expect.stringContaining('failover') })
  })

  test.each([['two words'], ['line\r\nend'], ['nul\0'], ['ü'], ['x'.repeat(101)], [7]])('the prefix %j', (prefix) => {
    expect(errorOf(() => memcachedStore(client, { prefix: prefix as string }))).toMatchObject(invalid)
  })

  test('a limit of sessions, which memcached cannot count', () => {
    const policy = { limit: { max: 3, onExceeded: 'reject' } } as const

    expect(errorOf(() => createSessions({ store: memcachedStore(client), keys: KEY, policy }))).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
  })

  test('a near cache, which memcached tells nothing', () => {
    expect(errorOf(() => nearCache(memcachedStore(client), { maxStaleness: 5_000 }))).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
  })
})

test('what memcached cannot promise is in the policy report', () => {
  const report = createSessions({ store: memcachedStore(client), keys: KEY })
    .describePolicy()
    .toString()

  expect(report).toMatch(/evicted is signed out/)
  expect(report).toMatch(/restarts signs out everybody/)
  expect(report).toMatch(/a throttle may begin anew/)
  expect(report).toMatch(/cannot list/)
})

test('an empty prefix is one', () => {
  expect(memcachedStore(client, { prefix: '' }).name).toBe('memcached')
})
