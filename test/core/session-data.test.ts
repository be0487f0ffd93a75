import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { codeOf, setUp, signedIn, tokenOf } from './support.ts'

const shop = z.object({ basket: z.array(z.string()).default([]), settings: z.record(z.string(), z.unknown()).default({}) })

type Loose = Record<string, unknown>

/** A signed-in session and what later requests of the same browser find. */
async function browser<Schema extends StandardSchemaV1 = StandardSchemaV1<unknown, Loose>>(
  options: Parameters<typeof setUp<Schema>>[0] = {},
) {
  const service = setUp(options)
  const token = await signedIn(service.sessions)
  const request = () => service.sessions.read(token)
  return { ...service, token, request }
}

describe('session.data', () => {
  it('what a handler put in is there at the next request', async () => {
    const { request } = await browser()
    const session = await request()
    session.data.note = 'hi'
    await session.commit()

    expect((await request()).data).toEqual({ note: 'hi' })
  })

  it('a change deep inside is noticed', async () => {
    const { request } = await browser()
    const first = await request()
    first.data.cart = { items: [{ name: 'tea', count: 1 }] }
    await first.commit()
    const second = await request()
    ;(second.data.cart as { items: { count: number }[] }).items[0]!.count = 2
    await second.commit()

    expect((await request()).data).toEqual({ cart: { items: [{ name: 'tea', count: 2 }] } })
  })

  it('replacing all of it removes what was there', async () => {
    const { request } = await browser()
    const first = await request()
    first.data = { old: 1 }
    await first.commit()
    const second = await request()
    second.data = { fresh: 2 }
    await second.commit()

    expect((await request()).data).toEqual({ fresh: 2 })
  })

  it('reading writes nothing', async () => {
    const { request, store } = await browser({ data: shop })
    const session = await request()
    JSON.stringify(session.data)
    const before = store.calls.length

    expect([session.commit() instanceof Promise, store.calls.length]).toEqual([false, before])
  })

  it('a default that is different each time makes no row for a visitor who only looks', async () => {
    const { sessions, store } = setUp({ data: z.object({ seed: z.string().default(() => `${Math.random()}`) }) })
    const session = sessions.anonymous()
    expect(session.data.seed).not.toBe('')

    const instruction = await session.commit()

    expect([instruction.kind, store.calls]).toEqual(['none', []])
  })

  it('20 parallel requests that each put another item keep all 20', async () => {
    const { request } = await browser({ data: shop })
    const sessions = await Promise.all(Array.from({ length: 20 }, request))
    await Promise.all(
      sessions.map((session, i) => {
        session.data.basket.push(`item ${i}`)
        return session.commit()
      }),
    )

    expect((await request()).data.basket.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `item ${i}`).toSorted())
  })

  it('20 parallel requests that each set another key keep all 20', async () => {
    const { request } = await browser()
    const sessions = await Promise.all(Array.from({ length: 20 }, request))
    await Promise.all(
      sessions.map((session, i) => {
        session.data[`key${i}`] = i
        return session.commit()
      }),
    )

    expect(Object.keys((await request()).data).length).toBe(20)
  })

  it.each<[string, unknown]>([
    ['a Map over an empty object', new Map([['a', 1]])],
    ['a Set over an empty object', new Set([1])],
    ['an instance over an empty object', new (class Settings {})()],
  ])('%s is refused, not dropped without a word', async (_case, value) => {
    const { request } = await browser({ data: shop })
    const first = await request()
    first.data.basket.push('tea')
    await first.commit()
    const session = await request()
    ;(session.data as { settings: unknown }).settings = value

    expect(await codeOf(async () => session.commit())).toBe('ERR_DATA_INVALID')
  })

  it('NaN over null is refused, not dropped without a word', async () => {
    const { request } = await browser()
    const first = await request()
    first.data.count = null
    await first.commit()
    const session = await request()
    session.data.count = Number.NaN

    expect(await codeOf(async () => session.commit())).toBe('ERR_DATA_INVALID')
  })

  it.each<[string, (data: Record<string, unknown>) => void, string]>([
    [
      'a cycle',
      (data) => {
        data.self = data
      },
      'ERR_DATA_INVALID',
    ],
    [
      'a BigInt',
      (data) => {
        data.n = 1n
      },
      'ERR_DATA_INVALID',
    ],
    [
      'a Date',
      (data) => {
        data.at = new Date(0)
      },
      'ERR_DATA_INVALID',
    ],
    [
      'an own key __proto__',
      (data) => {
        data.o = JSON.parse('{"__proto__":{"x":1}}')
      },
      'ERR_DATA_INVALID',
    ],
    [
      '1 MB',
      (data) => {
        data.fill = 'x'.repeat(1_048_576)
      },
      'ERR_DATA_TOO_LARGE',
    ],
  ])('%s is refused at commit and what was stored stays', async (_case, change, code) => {
    const { request } = await browser()
    const first = await request()
    first.data.kept = true
    await first.commit()
    const session = await request()
    change(session.data)

    expect(await codeOf(async () => session.commit())).toBe(code)
    expect((await request()).data).toEqual({ kept: true })
  })

  it('1 MB is kept where maxDataBytes allows it', async () => {
    const { request } = await browser({ maxDataBytes: 1_048_576 })
    const session = await request()
    session.data.fill = 'x'.repeat(1_000_000)
    await session.commit()

    expect(((await request()).data.fill as string).length).toBe(1_000_000)
  })

  it('a change made at commit is not made again by a later update', async () => {
    const { request } = await browser({ data: shop })
    const session = await request()
    session.data.basket.push('tea')
    await session.commit()
    await session.update((data) => {
      data.settings.late = true
    })

    expect((await request()).data).toEqual({ basket: ['tea'], settings: { late: true } })
  })

  it('data written by a later version of the application is an error, and stays as it is', async () => {
    const { token, store, clock, request } = await browser({ dataVersion: 2 })
    const session = await request()
    session.data.note = 'v2'
    await session.commit()
    const older = await setUp({ store, clock, dataVersion: 1 }).sessions.read(token)

    expect(await codeOf(() => older.data)).toBe('ERR_DATA_NEWER')
    expect((await request()).data).toEqual({ note: 'v2' })
  })

  it('data of an earlier version is migrated at the first read', async () => {
    const { token, store, clock, request } = await browser()
    const session = await request()
    session.data.items = ['tea']
    await session.commit()
    const migrate = (data: unknown) => ({ basket: (data as { items: string[] }).items })
    const newer = setUp({ store, clock, data: shop, dataVersion: 2, migrate })

    expect((await newer.sessions.read(token)).data.basket).toEqual(['tea'])
  })

  it('unreadable data sets the session aside: the request is anonymous, the record stays', async () => {
    const { token, store, clock, request } = await browser()
    const session = await request()
    session.data.basket = 7
    await session.commit()
    const strict = setUp({ store, clock, data: shop })
    const read = await strict.sessions.read(token)

    expect([read.data, read.subject, read.stateReason]).toEqual([{ basket: [], settings: {} }, undefined, 'unreadable'])
    expect((await strict.seen('session.quarantined')).length).toBe(1)
    expect((await request()).data).toEqual({ basket: 7 })
  })
})

describe('session.update', () => {
  it('50 parallel counters count to 50', async () => {
    const { request } = await browser({ data: z.object({ visits: z.number().default(0) }) })
    const sessions = await Promise.all(Array.from({ length: 50 }, request))
    await Promise.all(
      sessions.map((session) =>
        session.update((data) => {
          data.visits += 1
        }),
      ),
    )

    expect((await request()).data).toEqual({ visits: 50 })
  })

  it('what the handler changed before goes in as well, once', async () => {
    const { request } = await browser()
    const session = await request()
    session.data.note = 'mine'
    await session.update((data) => {
      data.count = 1
    })
    await session.commit()

    expect((await request()).data).toEqual({ note: 'mine', count: 1 })
  })

  it('an asynchronous function is misuse', async () => {
    const { request } = await browser()
    const session = await request()

    expect(await codeOf(session.update(async () => {}))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('a function that throws changes nothing', async () => {
    const { request } = await browser()
    const session = await request()
    const change = () => {
      throw new RangeError('no')
    }

    await expect(session.update(change)).rejects.toThrow(RangeError)
    expect((await request()).data).toEqual({})
  })

  it('data that does not fit is refused and nothing is written', async () => {
    const { request } = await browser({ data: shop })
    const session = await request()

    expect(
      await codeOf(
        session.update((data) => {
          ;(data as { basket: unknown }).basket = 7
        }),
      ),
    ).toBe('ERR_DATA_INVALID')
    expect((await request()).data).toEqual({ basket: [], settings: {} })
  })

  it('by a visitor it starts an anonymous session', async () => {
    const { sessions } = setUp()
    const visitor = sessions.anonymous()
    await visitor.update((data) => {
      data.seen = true
    })
    const again = await sessions.read(await tokenOf(visitor))

    expect([again.state, again.subject, again.data]).toEqual(['active', undefined, { seen: true }])
  })

  it('is applied once although the answer of the store was lost and the write repeated', async () => {
    const { request, store } = await browser({ store: faultyStore(memoryStore()) })
    const session = await request()
    store.setFaults({ update: [{ kind: 'duplicate' }] })
    await session.update((data) => {
      data.n = ((data.n as number | undefined) ?? 0) + 1
    })

    expect((await request()).data).toEqual({ n: 1 })
  })
})
