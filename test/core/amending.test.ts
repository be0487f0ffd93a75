import { describe, expect, it } from 'vitest'
import { amendLive, findLive } from '../../src/core/amending.ts'
import { minutes } from '../../src/core/duration.ts'
import type { SessionRecord } from '../../src/core/record.ts'
import { serviceOf } from '../../src/core/service.ts'
import { updateRecord } from '../../src/core/writing.ts'
import { codeOf, setUp, signedIn } from './support.ts'

async function session() {
  const service = setUp()
  const token = await signedIn(service.sessions)
  const { id } = await service.sessions.read(token)
  return { ...service, token, id: id!, inner: serviceOf(service.sessions) }
}

describe('a session known by its id alone', () => {
  it('is found while it lives', async () => {
    const { inner, id } = await session()

    expect((await findLive(inner, id))?.subject).toBe('ada')
  })

  it.each<[string, (made: Awaited<ReturnType<typeof session>>) => unknown]>([
    ['ended', ({ sessions, id }) => sessions.revoke(id)],
    ['ended with all of its subject’s', ({ sessions }) => sessions.revokeSubject('ada')],
    ['past its deadline', ({ clock }) => clock.advance(minutes(31))],
  ])('is not found, nor changed, once it is %s', async (_how, end) => {
    const made = await session()
    await end(made)
    let asked = 0
    const change = () => {
      asked++
      return {}
    }

    expect([await findLive(made.inner, made.id), await amendLive(made.inner, made.id, change), asked]).toEqual([
      undefined,
      undefined,
      0,
    ])
  })

  it('is changed on top of what others wrote meanwhile', async () => {
    const { inner, id } = await session()
    const seen: number[] = []
    const written = await amendLive(inner, id, (record) => {
      seen.push(record.lastSeenAt)
      if (seen.length === 1) void updateRecord(inner, record, { lastSeenAt: record.lastSeenAt + 7 }, {})
      return { details: { ...record.details, notes: { test: { attempts: seen.length } } } }
    })

    expect(seen).toEqual([seen[0], seen[0]! + 7])
    expect(written).toMatchObject({ version: 3, lastSeenAt: seen[1], details: { notes: { test: { attempts: 2 } } } })
  })

  it('is left alone when there is nothing to change', async () => {
    const { inner, id, store } = await session()
    const record = await amendLive(inner, id, () => undefined)

    expect([record?.id, store.calls.filter((call) => call === 'update').length]).toEqual([id, 0])
  })

  it('that changes under every attempt is given up in the end', async () => {
    const { inner, id } = await session()
    // Somebody else is always faster.
    const change = (record: SessionRecord) => {
      void updateRecord(inner, record, { lastSeenAt: record.lastSeenAt + 1 }, {})
      return {}
    }

    expect(await codeOf(amendLive(inner, id, change))).toBe('ERR_STORE_CONTENDED')
  })

  it('is never taken for ended while the store is away', async () => {
    const { inner, id, store } = await session()
    store.setFaults({ all: { kind: 'error' } })

    expect(await codeOf(findLive(inner, id))).toBe('ERR_STORE_UNAVAILABLE')
    expect(await codeOf(amendLive(inner, id, () => ({})))).toBe('ERR_STORE_UNAVAILABLE')
  })
})

it('what did not come from createSessions has no service', () => {
  expect(() => serviceOf({})).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
})
