// The attacker has: the session cookie of somebody whose browser cannot bind, and an account of their own with as many sessions as it may have.
// The attacker does: signs in to it with the victim's cookie, at a time when that one's token is renewed, so that the sign-in fails.
// The attacker must not obtain: an offer to bind the victim's session to a key of their own.
import { expect, it } from 'vitest'
import { withSession } from '../../src/adapters/web.ts'
import { deviceBinding } from '../../src/binding/dbsc.ts'
import { minutes } from '../../src/core/duration.ts'
import { isSojournError } from '../../src/core/errors.ts'
import { cookieJar } from '../../src/testing/cookie-jar.ts'
import { setUp } from '../core/support.ts'

const ORIGIN = 'https://shop.example'

it('a sign-in that failed offers nothing, whatever else its answer carries', async () => {
  const { sessions, clock } = setUp({ policy: { limit: { max: 1, onExceeded: 'reject' } } })
  const respond = withSession(
    sessions,
    async (request, session) => {
      const subject = new URL(request.url).searchParams.get('as')!
      try {
        await session.signIn({ subject, method: 'pwd' })
        return new Response('welcome')
      } catch (error) {
        if (!isSojournError(error, 'ERR_SESSION_LIMIT')) throw error
        return new Response(`too many sessions; you are ${session.subject}`)
      }
    },
    { guards: [deviceBinding(sessions)] },
  )
  const jar = cookieJar({ clock })
  const login = async (as: string, cookie: string | undefined) => {
    const headers: Record<string, string> = { 'sec-fetch-site': 'same-origin', ...(cookie && { cookie }) }
    return respond(new Request(`${ORIGIN}/login?as=${as}`, { method: 'POST', headers }))
  }
  const victims = await login('victim', undefined)
  jar.store(ORIGIN, victims.headers.getSetCookie())
  await login('mallory', undefined)
  clock.advance(minutes(16))

  const failed = await login('mallory', jar.header(ORIGIN))

  expect(victims.headers.has('secure-session-registration')).toBe(true)
  expect([await failed.text(), failed.headers.getSetCookie().length]).toEqual(['too many sessions; you are victim', 1])
  expect(failed.headers.has('secure-session-registration')).toBe(false)
})
