// Two processes on one store: what ends in one reaches whoever follows the feed of the other.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { subjectKeyOf } from '../../../src/core/placement.ts'
import { fakeClock } from '../../../src/testing/fake-clock.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { asserted, assertion, endpointSite, REPORTS_KEY } from '../endpoint-site.ts'
import { engines, NOW, type SharedEngine } from './processes-engines.ts'
import { FeedReader } from './reader.ts'

describe.each(['sqlite', 'redis', 'postgres'] as const)('over %s', (name) => {
  let engine: SharedEngine
  let withTokens: ChildProcess
  let job: ChildProcess

  async function start(tokens: 'yes' | 'no'): Promise<ChildProcess> {
    const worker = new URL('processes-worker.ts', import.meta.url)
    const env = { ...process.env, ...engine.env, WITH_TOKENS: tokens }
    const child = fork(worker, { env, execArgv: ['--conditions=sojourn-source', '--no-warnings'] })
    await Promise.race([once(child, 'message'), once(child, 'exit').then(() => Promise.reject(new Error('it ended at once')))])
    return child
  }
  async function tell(child: ChildProcess, word: { sessionIds?: readonly string[]; subject?: string }): Promise<void> {
    const done = once(child, 'message')
    child.send(word)
    await done
  }
  const site = () => endpointSite({ store: faultyStore(engine.open()), clock: fakeClock(NOW) })

  beforeAll(async () => {
    engine = await engines[name]()
    // One after the other: the first makes the tables.
    withTokens = await start('yes')
    job = await start('no')
  }, 60_000)

  afterAll(async () => {
    for (const child of [withTokens, job]) {
      child?.disconnect()
      if (child !== undefined) await once(child, 'exit')
    }
    await engine?.close()
  }, 60_000)

  it('a session ended in another process is told, and all of a subject’s', async () => {
    const here = await site()
    const reader = await FeedReader.open(here)
    const { sessionId } = await here.token()
    await tell(withTokens, { sessionIds: [sessionId], subject: 'bob' })

    expect(await reader.until('session')).toMatchObject([{ sid: sessionId }])
    expect(await reader.until('subject')).toMatchObject([{ sub: subjectKeyOf('bob') }])
  })

  it('a token given back in one process is inactive, and told, in another', async () => {
    const [here, there] = [await site(), await site()]
    const reader = await FeedReader.open(there)
    const { accessToken, claims } = await here.token()
    await here.post('/oauth/revoke', { token: accessToken, client_id: 'app' })

    expect(await there.ask(accessToken)).toEqual({ active: false })
    expect(await reader.until('token')).toMatchObject([{ jti: claims.jti }])
  })

  it('an assertion used in one process is used up in the other', async () => {
    const [here, there] = [await site(), await site()]
    const form = { token: 'x', ...asserted(assertion(here, { key: REPORTS_KEY })) }
    const answers = await Promise.all([here, there, here, there].map(({ post }) => post('/oauth/introspect', form)))

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401])
  })

  it('a storm in another process arrives completely, without a gap', async () => {
    const here = await site()
    const reader = await FeedReader.open(here)
    const sessionIds: string[] = []
    for (let i = 0; i < 500; i++) sessionIds.push((await here.token(`s${i}`)).sessionId)
    await tell(withTokens, { sessionIds })
    const told = (await reader.until('session', sessionIds.length)).map(({ sid }) => sid)

    expect([new Set(told).size, reader.of('gap')]).toEqual([sessionIds.length, []])
  }, 30_000)

  if (name === 'sqlite')
    it('what a job without tokens ends is not told, and whoever asks knows it', async () => {
      const here = await site()
      const reader = await FeedReader.open(here)
      const [{ sessionId, accessToken }, later] = [await here.token(), await here.token()]
      await tell(job, { sessionIds: [sessionId] })
      await tell(withTokens, { sessionIds: [later.sessionId] })

      expect((await reader.until('session')).map(({ sid }) => sid)).toEqual([later.sessionId])
      expect(await here.ask(accessToken)).toEqual({ active: false })
    })
  else
    it('what a job without tokens ends is told, since the engine pushes changes', async () => {
      const here = await site()
      const reader = await FeedReader.open(here)
      const [{ sessionId }, used] = [await here.token(), await here.token()]
      await tell(job, { sessionIds: [sessionId], subject: 'bob' })

      expect((await reader.until('session')).map(({ sid }) => sid)).toEqual([sessionId])
      expect(await reader.until('subject')).toHaveLength(1)
      expect((await here.ask(used.accessToken)).active).toBe(true)
    })
})
