// The attacker has: a socket that was opened with a stolen session, and whose handler mints tokens for what is asked over it.
// The attacker does: keeps it open while the session is ended elsewhere, or is left alone until it is over.
// The attacker must not get: a token; services forget what has ended once every token of before is over.
import { expect, it } from 'vitest'
import { hours, minutes, seconds } from '../../src/core/duration.ts'
import { codeOf, tokenOf } from '../core/support.ts'
import { minting } from '../tokens/support.ts'

async function openSocket() {
  const site = minting({ core: { policy: { idleTimeout: minutes(30), absoluteTimeout: hours(12) } } })
  const cookieToken = await tokenOf(await site.sessions.signIn({ subject: 'ada', method: 'pwd' }))
  const session = await site.sessions.read(cookieToken)
  await session.commit()
  return { ...site, session, cookieToken }
}

it.each([
  ['was revoked', (site: Awaited<ReturnType<typeof openSocket>>) => site.sessions.revoke(site.session.id!), 'ERR_SESSION_ENDED'],
  [
    'ended with all others of its subject',
    (site: Awaited<ReturnType<typeof openSocket>>) => site.sessions.revokeSubject('ada'),
    'ERR_SESSION_ENDED',
  ],
  [
    'nobody used for too long',
    (site: Awaited<ReturnType<typeof openSocket>>) => site.clock.advance(minutes(31)),
    'ERR_SESSION_ENDED',
  ],
])('a session that %s mints nothing over a socket that is still open', async (_how, end, code) => {
  const site = await openSocket()
  const before = await codeOf(site.tokens.mint(site.session))
  await end(site)
  site.clock.advance(seconds(31))

  expect([before, await codeOf(site.tokens.mint(site.session))]).toEqual([undefined, code])
})

it('and one that goes on in other tabs mints until its own deadline', async () => {
  const site = await openSocket()
  for (let i = 0; i < 4; i++) {
    site.clock.advance(minutes(20))
    await (await site.sessions.read(site.cookieToken)).commit()
  }
  const { expiresAt } = await site.tokens.mint(site.session)

  expect(expiresAt).toBe(site.clock() + minutes(5))
})

it('nor does one of which nobody can say whether it goes on', async () => {
  const site = await openSocket()
  await site.tokens.mint(site.session)
  await site.sessions.revoke(site.session.id!)
  site.clock.advance(seconds(31))
  site.store.setFaults({ read: { kind: 'error' } })

  expect(await codeOf(site.tokens.mint(site.session))).toBe('ERR_STORE_UNAVAILABLE')
})
