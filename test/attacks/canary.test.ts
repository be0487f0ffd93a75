// The attacker has: everything the application prints, stores in logs, sends as events, shows in errors, and answers.
// The attacker does: searches all of it for the token, its secret part in every spelling, and the keys.
// The attacker must not obtain: any of them, from a whole life cycle, failures included; the cookie header alone carries the token.
import { format, inspect } from 'node:util'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { createSessions } from '../../src/core/sessions.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { KEY, OLDER_KEY, setUp, tokenOf } from '../core/support.ts'
import { browser, COOKIE, site, withToken } from './support.ts'

const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const
let printed: string[] = []

beforeEach(() => {
  printed = []
  for (const method of METHODS)
    vi.spyOn(console, method).mockImplementation((...args: unknown[]) => void printed.push(format(...args)))
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      printed.push(String(chunk))
      return true
    })
  }
  process.on('warning', note)
})
afterEach(() => {
  process.off('warning', note)
  vi.restoreAllMocks()
})
const note = (warning: Error) => printed.push(inspect(warning))

const deep = { depth: 10, showHidden: true, maxArrayLength: null, maxStringLength: null, getters: true } as const
/** Everything that a careless logger could make of a value. */
const shown = (value: unknown): string => {
  let json: string
  try {
    json = JSON.stringify(value) ?? ''
  } catch {
    json = ''
  }
  const { stack = '', cause } = value instanceof Error ? value : {}
  return [inspect(value, deep), json, format('%s %o %O', value, value, value), stack, inspect(cause, deep)].join('\n')
}
const spellings = (secret: Buffer): string[] => [
  secret.toString('base64url').slice(0, 20),
  secret.toString('base64url').slice(-20),
  secret.toString('base64').slice(0, 20),
  secret.toString('hex'),
  secret.toString('hex').slice(0, 24),
  [...secret.subarray(0, 8)].join(', '),
  [...secret.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
  secret.toString('latin1').slice(0, 12),
]
const needlesOf = (token: string): string[] => {
  const bytes = Buffer.from(token.slice(5), 'base64url')
  return [
    token,
    token.slice(5, 60),
    token.slice(30, 60),
    ...spellings(bytes.subarray(16, 48)),
    ...spellings(bytes.subarray(16, 64)),
  ]
}
const keyNeedles = [KEY, OLDER_KEY].flatMap((key) => {
  const { derive } = createKeyring(key).newest
  return [key.slice(0, 20), ...spellings(Buffer.from(key, 'base64url')), ...spellings(derive('csrf'))]
})
const found = (text: string, tokens: readonly string[]) =>
  [...tokens.flatMap(needlesOf), ...keyNeedles].filter((needle) => text.includes(needle))

it('the search itself finds what it looks for', async () => {
  const { sessions } = setUp()
  const token = await tokenOf(await sessions.signIn({ subject: 'ada', method: 'pwd' }))
  const secret = Buffer.from(token.slice(5), 'base64url').subarray(16, 48)

  expect([
    found(`x${token}x`, [token]).length > 0,
    found(shown({ secret }), [token]).length > 0,
    found(shown({ at: secret.toString('hex') }), [token]).length > 0,
  ]).toEqual([true, true, true])
})

it('a whole life, with everything going wrong, prints, emits and throws no secret', async () => {
  const shop = site({ keys: [KEY, OLDER_KEY], policy: { limit: { max: 2, onExceeded: 'reject' } } })
  const ada = browser(shop)
  const tokens = new Set<string>()
  const output: string[] = []
  const step = async (work: () => unknown) => {
    try {
      const result = await work()
      if (result instanceof Response) {
        output.push(await result.clone().text())
        for (const [name, value] of result.headers) if (name !== 'set-cookie') output.push(`${name}: ${value}`)
      } else output.push(shown(result))
    } catch (error) {
      output.push(shown(error))
    }
    const token = ada.token()
    if (token !== undefined) tokens.add(token)
  }
  const held: { session?: Awaited<ReturnType<typeof shop.sessions.read>> } = {}
  const failing = { kind: 'error', error: new Error('connection lost') } as const

  await step(() => ada.visit('/basket?item=tea'))
  await step(() => ada.visit('/login'))
  await step(() => ada.visit('/me'))
  await step(() => ada.visit('/rotate'))
  await step(() => ada.visit('/step-up'))
  await step(() => ada.visit('/throws'))
  await step(() => ada.visit('/data', { method: 'POST', body: '{"__proto__":{"x":1}}' }))
  await step(async () => {
    held.session = await shop.sessions.read(ada.token())
  })
  await step(() => held.session)
  await step(() => held.session!.list())
  await step(() => shop.sessions)
  await step(() => shop.sessions.events)
  await step(() => shop.sessions.describePolicy())
  await step(() => `${shop.sessions.describePolicy()}`)
  await step(() =>
    held.session!.update(() => {
      throw new Error('in update')
    }),
  )
  await step(async () => {
    held.session!.data.self = held.session!.data
    await held.session!.commit()
  })
  for (const operation of ['read', 'update', 'create', 'revoke', 'list'] as const) {
    shop.store.setFaults({ [operation]: failing })
    await step(() => ada.visit('/me'))
    await step(() => ada.visit('/rotate'))
    await step(() => ada.visit('/login'))
    await step(() => ada.visit('/logout'))
    await step(() => shop.sessions.list('ada'))
    shop.store.setFaults({})
  }
  await step(() => ada.visit('/login'))
  await step(() => browser(shop).visit('/login'))
  await step(() => browser(shop).visit('/login'))
  await step(() => browser(shop).visit('/login'))
  const old = ada.token()!
  await step(() => ada.visit('/rotate'))
  await step(() => ada.visit('/me'))
  shop.clock.advance(seconds(31))
  await step(() => withToken(shop, old))
  await step(() => withToken(shop, `${old.slice(0, -1)}${old.endsWith('A') ? 'Q' : 'A'}`))
  await step(() => withToken(shop, `${old}x`))
  await step(() => ada.visit('/me'))
  await step(() => ada.visit('/login'))
  shop.clock.advance(minutes(31))
  await step(() => ada.visit('/me'))
  await step(() => ada.visit('/logout'))
  await step(() => shop.sessions.revoke(old as string))
  await step(() => shop.sessions.revokeSubject(old))
  await step(() => shop.sessions.signIn({ subject: old, method: old }))
  await step(() => createSessions({ store: memoryStore(), keys: [KEY, KEY] }))
  await step(() => createSessions({ store: memoryStore(), keys: `${KEY}x` }))
  const events = (await shop.seen()).filter((event) => event.subject !== old)

  expect([tokens.size > 5, events.length > 15, output.length > 50]).toEqual([true, true, true])
  expect(found([...output, ...events.map(shown), ...printed].join('\n'), [...tokens])).toEqual([])
})

it('core and http write nothing to the console by themselves', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  await ada.visit('/throws').catch(() => {})
  await ada.visit('/logout')

  expect(printed).toEqual([])
})

it.each(['session', 'sessions', 'events', 'store', 'report'] as const)(
  'printing the %s with everything hidden shown reveals no secret',
  async (what) => {
    const { sessions, store } = setUp({ keys: [KEY, OLDER_KEY] })
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    const value = { session, sessions, events: sessions.events, store, report: sessions.describePolicy() }[what]
    const before = shown(value)
    const token = await tokenOf(session)
    const after = shown(value)

    expect(found(before + after, [token])).toEqual([])
  },
)

it('the token travels in one header of the response and nowhere else', async () => {
  const shop = site()
  const ada = browser(shop)
  const response = await ada.visit('/login')
  const carriers = [...response.headers].filter(([, value]) => value.includes(ada.token()!)).map(([name]) => name)

  expect([carriers, (await response.text()).includes(ada.token()!)]).toEqual([['set-cookie'], false])
  expect(response.headers.getSetCookie()).toEqual([expect.stringContaining(`${COOKIE}=`)])
})
