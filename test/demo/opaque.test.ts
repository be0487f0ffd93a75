import { client as opaque, ready } from '@serenity-kit/opaque'
import { expect, it } from 'vitest'
import { Client } from './client.ts'
import { demoForTest } from './demo-process.ts'

it('a name that nobody has is answered alike in every spelling, as one that somebody has is', async () => {
  const demo = await demoForTest({ args: ['--opaque'] })
  await ready
  const { startLoginRequest } = opaque.startLogin({ password: 'any password at all' })
  /** The part of the answer that is the same for the same account and request. */
  const evaluationOf = async (username: string) => {
    const { json } = await new Client(demo.url).api('/login/opaque/start', { json: { username, startLoginRequest } })
    return Buffer.from((json as { loginResponse: string }).loginResponse, 'base64url').toString('hex', 0, 32)
  }
  const [ada, otherAda, nobody, otherNobody] = await Promise.all(['ada', ' ADA', 'nobody', ' NOBODY'].map(evaluationOf))

  expect([otherAda === ada, otherNobody === nobody, nobody === ada]).toEqual([true, true, false])
}, 30_000)
