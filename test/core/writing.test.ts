import { describe, expect, it } from 'vitest'
import { codeOf, setUp, signedIn } from './support.ts'

describe('a write that meets others', () => {
  it('gives up with ERR_STORE_CONTENDED when it loses every race, and nothing is written', async () => {
    const { sessions, store } = setUp()
    const token = await signedIn(sessions)
    const contended = setUp({ store: { ...store, update: async () => 'conflict' } })
    const session = await contended.sessions.read(token)
    session.data.a = 1

    await expect(session.commit()).rejects.toMatchObject({ code: 'ERR_STORE_CONTENDED', status: 503 })
    expect((await sessions.read(token)).data).toEqual({})
  })

  it('an answer that was lost and tried again leaves one row and one token', async () => {
    const { sessions, store } = setUp()
    const token = await signedIn(sessions)
    const session = await sessions.read(token)
    store.setFaults({ update: [{ kind: 'lost-reply' }] })

    expect(await codeOf(session.rotate())).toBe('ERR_STORE_UNAVAILABLE')
    expect([(await sessions.read(token)).state, (await sessions.list('ada')).length]).toEqual(['active', 1])
  })
})
