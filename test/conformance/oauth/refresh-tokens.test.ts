// RFC 9700, 2.2.2 and 4.14: refresh tokens; RFC 9449, 5: bound to a key.
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { App } from '../../tokens/dpop/app.ts'
import { edited, PARTS, refreshSite } from '../../tokens/refresh/support.ts'
import { partsOf } from '../../tokens/support.ts'

it('BCP-06: a public client’s refresh token is replaced with each use, whether it is bound to a key or not', async () => {
  const site = refreshSite()
  const phone = new App()
  const unbound = await site.app()
  const bound = await site.app({ clientId: 'bound', scope: ['read'], jkt: phone.jkt })

  expect(await site.next(unbound.refreshToken)).not.toBe(unbound.refreshToken)
  expect(await site.next(bound.refreshToken, { clientId: 'bound', jkt: phone.jkt })).not.toBe(bound.refreshToken)
})

it.each(['BCP-07', 'ASVS-10.4.5'])(
  '%s: a replaced token revokes the one in force; within a short grace it gives the same successor, in parallel too',
  async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const together = await Promise.all(Array.from({ length: 8 }, () => site.next(refreshToken)))
    const current = await site.next(together[0]!)
    site.clock.advance(seconds(29))
    const withinGrace = await site.next(refreshToken)
    site.clock.advance(seconds(1))
    const afterGrace = await site.reasonOf(refreshToken)

    expect(new Set([...together, withinGrace]).size).toBe(1)
    expect([afterGrace, await site.reasonOf(current)]).toEqual(['reused', 'ended'])
  },
)

it('BCP-08: scope and audience are those of the grant; a refresh may ask for less, for one answer, and never for more', async () => {
  const site = refreshSite()
  const { refreshToken } = await site.app({ scope: ['read'] })
  const more = await site.reasonOf(refreshToken, { scope: ['read', 'write'] })
  const outcome = await site.refresh(refreshToken)
  const { aud, scope } = partsOf(outcome.ok ? outcome.tokens.accessToken : '').claims

  expect([more, aud, scope]).toEqual(['wider-scope', 'https://api.shop.example', 'read'])
})

it('BCP-09: the grant’s id within a token is under its MAC', async () => {
  const site = refreshSite()
  const { refreshToken } = await site.app()
  const reasons = []
  for (const part of Object.values(PARTS)) reasons.push(await site.reasonOf(edited(refreshToken, part)))

  expect(reasons).toEqual(['forged', 'forged', 'forged', 'forged'])
})

it('BCP-10: refresh tokens end with the session: at logout, and when a changed password ends all of a person’s', async () => {
  const site = refreshSite()
  const [first, second, other] = [await site.app(), await site.app(), await site.app({}, 'grace')]
  await first.session.signOut()
  const afterLogout = [await site.reasonOf(first.refreshToken), await site.reasonOf(second.refreshToken)]
  await site.sessions.revokeSubject('ada', { reason: 'password-changed' })

  expect(afterLogout).toEqual(['ended', 'good'])
  expect(await site.reasonOf(second.refreshToken)).toBe('ended')
  expect(await site.reasonOf(other.refreshToken)).toBe('good')
})

it('BCP-11: a refresh token that nobody uses expires', async () => {
  const site = refreshSite({ tokens: { refreshIdleTimeout: minutes(10) } })
  const { refreshToken } = await site.app()
  site.clock.advance(minutes(10) - 1)
  const used = await site.next(refreshToken)
  site.clock.advance(minutes(10))

  expect(await site.reasonOf(used)).toBe('expired')
})

it('DPOP-15: a public client’s refresh token is granted for a key, and every refresh proves that key', async () => {
  const site = refreshSite()
  const [phone, other] = [new App(), new App()]
  const bound = { clientId: 'bound', scope: ['read'] }
  const { refreshToken } = await site.app({ ...bound, jkt: phone.jkt })
  await expect(site.app(bound)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
  const next = await site.next(refreshToken, { clientId: 'bound', jkt: phone.jkt })

  expect(await site.reasonOf(next, { clientId: 'bound', jkt: other.jkt })).toBe('other-key')
  expect(await site.reasonOf(next, { clientId: 'bound' })).toBe('other-key')
  expect(await site.reasonOf(next, { clientId: 'bound', jkt: phone.jkt })).toBe('good')
})
