// The attacker has: the session cookie, and a proof that the victim's browser sent, from a proxy's log say.
// The attacker does: sends the proof again, in and out of the minute in which a browser may, to both endpoints, and for other sessions.
// The attacker must not obtain: a bound cookie that outlives the one the proof gave, nor one for another session.
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { asThief, BindingBrowser, boundSite, COOKIE, challengeIn } from '../binding/dbsc/support.ts'

async function logged() {
  const site = boundSite()
  const victim = new BindingBrowser(site)
  const offered = challengeIn(await victim.send('/login?as=victim'))
  const registration = victim.device.registration(offered)
  await victim.post('/dbsc/register', { 'secure-session-response': registration })
  const { id } = await victim.me()
  const answer = await victim.post('/dbsc/refresh', { 'sec-secure-session-id': id! })
  const refresh = victim.device.refresh(challengeIn(answer))
  await victim.post('/dbsc/refresh', { 'sec-secure-session-id': id!, 'secure-session-response': refresh })
  const cookie = `${COOKIE}=${victim.cookie(COOKIE)}`
  const replay = (path: string, proof: string, as = id!) =>
    site.answer(path, { method: 'POST', headers: { cookie, 'sec-secure-session-id': as, 'secure-session-response': proof } })
  return { site, victim, id: id!, cookie, registration, refresh, replay }
}

it('at once, it gives the cookie that the victim has, which ends when that one does', async () => {
  const { site, cookie, refresh, replay } = await logged()
  site.clock.advance(seconds(50))
  const [line] = (await replay('/dbsc/refresh', refresh)).headers.getSetCookie()
  const stolen = `${cookie}; ${line!.split(';')[0]}`

  site.clock.advance(minutes(10) - seconds(50))

  expect((await asThief(site, stolen)).subject).toBeNull()
})

it.each([60, 600, 3600])('after %i seconds it gives nothing', async (count) => {
  const { site, registration, refresh, replay } = await logged()
  site.clock.advance(seconds(count))

  for (const answer of [await replay('/dbsc/refresh', refresh), await replay('/dbsc/register', registration)])
    expect(answer.headers.getSetCookie()).toEqual([])
})

it('once the victim has proved anew, the older proof gives nothing, in the same minute too', async () => {
  const { site, victim, refresh, replay } = await logged()
  site.clock.advance(seconds(1))
  victim.boundId = victim.boundId ?? (await victim.me()).id!
  await victim.refresh()

  expect((await replay('/dbsc/refresh', refresh)).status).toBe(403)
})

it('of one kind it is none of the other, and of one session none of another', async () => {
  const { site, registration, refresh, replay } = await logged()
  const mallory = new BindingBrowser(site)
  await mallory.signIn('mallory')

  const answers = [
    await replay('/dbsc/register', refresh),
    await replay('/dbsc/refresh', registration),
    await site.answer('/dbsc/refresh', {
      method: 'POST',
      headers: { 'sec-secure-session-id': mallory.boundId!, 'secure-session-response': refresh },
    }),
  ]

  expect(answers.map(({ status }) => status)).toEqual([403, 403, 403])
  expect(answers.flatMap(({ headers }) => headers.getSetCookie())).toEqual([])
})
