// The attacker has: requests as large as the server lets through.
// The attacker does: sends tokens of 64 KB and more, thousands of pairs, and data to fill the store.
// The attacker must not obtain: memory or time in proportion to a power of the size, a row, or a crash.
import { expect, it } from 'vitest'
import { cookieValues } from '../../src/http/cookie-parse.ts'
import { codeOf, setUp } from '../core/support.ts'
import { COOKIE, site } from './support.ts'

it.each([64, 1024, 4096])('a token of %i KB is malformed, without the store', async (kilobytes) => {
  const { sessions, store } = setUp()

  expect([(await sessions.read(`sjn1_${'A'.repeat(kilobytes * 1024)}`)).state, store.calls]).toEqual(['malformed', []])
})

it('a cookie of 64 KB is answered as nobody', async () => {
  const shop = site()
  const response = await shop.answer('/me', { headers: { cookie: `${COOKIE}=${'A'.repeat(65_536)}` } })

  expect([response.status, ((await response.json()) as { subject: null }).subject]).toEqual([200, null])
})

it.each<[string, (size: number) => string]>([
  ['pairs', (size) => 'a=b; '.repeat(size / 5)],
  ['blanks', (size) => ' '.repeat(size)],
  ['semicolons', (size) => ';'.repeat(size)],
  ['our name without a value', (size) => COOKIE.repeat(size / 10)],
  ['our name and blanks', (size) => `${COOKIE}${' '.repeat(90)}`.repeat(size / 100)],
  ['our name behind something', (size) => `x${COOKIE}=`.repeat(size / 12)],
])('parsing is linear in the size of the header: %s', (_case, make) => {
  const timed = (header: string) => {
    const startedAt = performance.now()
    cookieValues(header, COOKIE)
    return performance.now() - startedAt
  }
  const header = make(1_000_000)
  const times = Array.from({ length: 5 }, () => timed(header))

  expect(Math.min(...times)).toBeLessThan(100)
})

it('data over the limit starts no session', async () => {
  const { sessions, store } = setUp({ maxDataBytes: 1000 })
  const visitor = sessions.anonymous()
  visitor.data.fill = 'x'.repeat(1001)

  expect(await codeOf(async () => visitor.commit())).toBe('ERR_DATA_TOO_LARGE')
  expect(store.calls).toEqual([])
})

it('growing data step by step stops at the limit too', async () => {
  const { sessions } = setUp({ maxDataBytes: 1000 })
  const session = await sessions.start({ data: { log: [] } })
  const grow = async () => {
    for (let i = 0; i < 100; i++) await session.update((data) => void (data.log as string[]).push('x'.repeat(50)))
  }

  expect(await codeOf(grow())).toBe('ERR_DATA_TOO_LARGE')
})
