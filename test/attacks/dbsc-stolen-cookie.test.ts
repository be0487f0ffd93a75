// The attacker has: every cookie of a victim whose session is bound, copied from the browser's files or by malware, and any header they like.
// The attacker does: sends them from a client of their own, at once and again later, on every route, and to the device's endpoints.
// The attacker must not obtain: a page as the victim once the bound cookie's minutes are over, a longer life for it, or the victim's sign-out.
import { expect, it } from 'vitest'
import { withSession } from '../../src/adapters/web.ts'
import { traitChecks } from '../../src/binding/traits.ts'
import { minutes } from '../../src/core/duration.ts'
import { asThief, BindingBrowser, BOUND_COOKIE, boundSite, COOKIE, ORIGIN } from '../binding/dbsc/support.ts'

async function stolen(mode: 'preferred' | 'required' = 'preferred') {
  const site = boundSite({ mode })
  const victim = new BindingBrowser(site)
  await victim.signIn('victim')
  site.clock.advance(minutes(1))
  const token = `${COOKIE}=${victim.cookie(COOKIE)}`
  return { site, victim, token, all: `${token}; ${BOUND_COOKIE}=${victim.cookie(BOUND_COOKIE)}`, id: victim.boundId! }
}

it.each(['preferred', 'required'] as const)('under %s, on every route, whatever is claimed with it', async (mode) => {
  const { site, token, id } = await stolen(mode)
  const claims: Record<string, string>[] = [
    {},
    { 'secure-session-skipped': `quota_exceeded;session_identifier="${id}"` },
    {
      'secure-session-skipped': `unreachable;session_identifier="${id}"`,
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
    },
    { 'sec-secure-session-id': id, 'secure-session-response': 'a.b.c' },
  ]

  for (const headers of claims) {
    expect(await asThief(site, token, '/me', headers)).toMatchObject({ subject: null, id: null, state: 'unproven' })
    expect((await site.answer('/pay', { headers: { ...headers, cookie: token } })).status).toBe(403)
    expect((await site.answer('/step-up', { headers: { ...headers, cookie: token } }).catch(() => undefined))?.status).not.toBe(
      200,
    )
  }
})

it('with the bound cookie, no longer than its minutes, and they cannot be renewed', async () => {
  const { site, all, id } = await stolen()
  const early = await asThief(site, all)
  for (let minute = 0; minute < 9; minute++) {
    site.clock.advance(minutes(1))
    // The challenge can be had; without the key it is worth nothing.
    const headers = { cookie: all, 'sec-secure-session-id': id }
    expect((await site.answer('/dbsc/refresh', { method: 'POST', headers })).headers.getSetCookie()).toEqual([])
  }

  expect([early.subject, (await asThief(site, all)).subject]).toEqual(['victim', null])
})

it('cannot sign the victim out: neither the session nor its cookie ends', async () => {
  const { site, victim, token } = await stolen()
  const responses = [
    await site.answer('/me', { headers: { cookie: token } }),
    await site.answer('/me', { headers: { cookie: `${token}; ${BOUND_COOKIE}=wrong` } }),
  ]
  const logout = await site.answer('/logout', { headers: { cookie: token } })

  expect(responses.flatMap(({ headers }) => headers.getSetCookie()).some((line) => line.startsWith(`${COOKIE}=`))).toBe(false)
  expect(logout.status).toBe(200)
  expect(await victim.me()).toMatchObject({ subject: 'victim', binding: { state: 'bound' } })
})

it('is reported, with whose session it was and why', async () => {
  const { site, token, id } = await stolen()
  await asThief(site, token)

  expect(await site.seen('binding.refused')).toMatchObject([{ sessionId: id, subject: 'victim', reason: 'not-proven' }])
})

it('with a browser of another kind it does not end the owner’s session either: the device is asked for first', async () => {
  const site = boundSite()
  const owner = new BindingBrowser(site)
  await owner.signIn('owner')
  const guards = [site.binding, traitChecks()]
  const visit = async (cookie: string, agent: string) => {
    const handle = withSession(site.sessions, (_request, session) => new Response(`${session.state} ${session.stateReason}`), {
      guards,
    })
    return (await handle(new Request(`${ORIGIN}/`, { headers: { cookie, 'user-agent': agent } }))).text()
  }
  const cookies = owner.jar.header(ORIGIN)!
  await visit(cookies, 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0')
  site.clock.advance(minutes(1))

  expect(await visit(`${COOKIE}=${owner.cookie(COOKIE)}`, 'curl/8.5.0')).toBe('unproven not-proven')
  expect((await owner.me()).subject).toBe('owner')
  expect(await visit(cookies, 'curl/8.5.0')).toBe('revoked drift')
})
