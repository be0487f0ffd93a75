import { describe, expect, it } from 'vitest'
import { withSession } from '../../../src/adapters/web.ts'
import { type DeviceBindingOptions, deviceBinding } from '../../../src/binding/dbsc.ts'
import { hours, minutes, seconds } from '../../../src/core/duration.ts'
import { createSessions } from '../../../src/core/sessions.ts'
import type { CookieOptions } from '../../../src/http/cookie-config.ts'
import { cookieStore } from '../../../src/stores/cookie.ts'
import { KEY, setUp, thrownBy } from '../../core/support.ts'
import { Device } from './device.ts'
import { boundSite, challengeIn } from './support.ts'

describe('what no browser could bind with is refused at start-up, in words that say why', () => {
  it.each<[string, unknown, RegExp]>([
    ['a mode there is not', { mode: 'strict' }, /mode is none of/],
    ['a mode that is no text', { mode: true }, /mode is none of/],
    ['a lifetime under three minutes', { boundLifetime: minutes(3) - 1 }, /boundLifetime is out of bounds; .*last two minutes/],
    ['a lifetime in seconds', { boundLifetime: 600 }, /boundLifetime/],
    ['a lifetime of more than an hour', { boundLifetime: hours(2) }, /a thief has as long as this/],
    ['a lifetime that is no number', { boundLifetime: '10m' }, /boundLifetime/],
    ['no pending time', { pendingTimeout: 0 }, /pendingTimeout/],
    ['a long pending time', { pendingTimeout: hours(1) }, /pendingTimeout/],
    ['a long grace', { registrationGrace: minutes(2) }, /registrationGrace/],
    ['a negative grace', { registrationGrace: -1 }, /registrationGrace/],
    ['a challenge of a second', { challengeLifetime: seconds(1) }, /challengeLifetime/],
    ['no algorithm', { algorithms: [] }, /algorithms is empty/],
    ['alg none', { algorithms: ['ES256', 'none'] }, /algorithms/],
    ['an algorithm twice', { algorithms: ['ES256', 'ES256'] }, /algorithms/],
    ['a path without slash', { registrationPath: 'register' }, /registrationPath/],
    ['a path with a query', { refreshPath: '/refresh?x' }, /refreshPath/],
    ['a path with a quote', { refreshPath: '/"' }, /refreshPath/],
    ['a path with a backslash', { refreshPath: '/\\' }, /refreshPath/],
    ['a path with a line break', { refreshPath: '/\r\nSet-Cookie: a=b' }, /refreshPath/],
    ['a path beyond ASCII', { registrationPath: '/ä' }, /registrationPath/],
    ['a path to another host', { registrationPath: '//evil.example/x' }, /registrationPath/],
    ['one path for both', { registrationPath: '/a', refreshPath: '/a' }, /refreshPath is the registrationPath/],
    ['a site that is no origin', { includeSite: 'example.com' }, /includeSite/],
    ['a site over plain HTTP', { includeSite: 'http://example.com' }, /includeSite/],
    ['an origin with a path', { registeringOrigins: ['https://example.com/'] }, /registeringOrigins/],
    ['initiators that are no list', { allowedRefreshInitiators: '*' }, /allowedRefreshInitiators/],
    ['an initiator with a scheme', { allowedRefreshInitiators: ['https://example.org'] }, /allowedRefreshInitiators/],
    ['an option there is not', { lifetime: minutes(10) }, /an option it does not have/],
  ])('%s', (_what, options, message) => {
    const { sessions } = setUp()

    const error = thrownBy(() => deviceBinding(sessions, options as DeviceBindingOptions))

    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringMatching(message) })
    expect(error.message).toContain('docs/guide/dbsc.md')
  })

  it.each<[string, DeviceBindingOptions, CookieOptions?]>([
    ['a cookie name without prefix', { cookieName: 'bound' }],
    ['the session cookie’s own name', { cookieName: '__Host-sjn' }],
    [
      'a name that must have no path, where the session cookie has one',
      { cookieName: '__Host-b' },
      { name: '__Secure-sjn', path: '/app' },
    ],
    ['a site without a shared cookie', { includeSite: 'https://example.com' }],
    ['another site than the cookie’s', { includeSite: 'https://example.com' }, { domain: 'example.org', shared: true }],
  ])('%s', (_what, options, cookie = {}) => {
    expect(thrownBy(() => boundSite(options, {}, { cookie }))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('a mode function that answers something else fails the request, and lets nobody in', async () => {
    const site = boundSite({ mode: () => 'sometimes' as 'off' })

    await expect(site.answer('/login')).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('sealed cookies: the device’s endpoints could not change them', () => {
    const sessions = createSessions({ store: cookieStore(), keys: KEY })

    expect(thrownBy(() => deviceBinding(sessions)).message).toMatch(/keeps sessions in their cookies/)
  })

  it('what createSessions did not give', () => {
    expect(thrownBy(() => deviceBinding({} as never))).toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
  })

  it('an adapter of other sessions', () => {
    const binding = deviceBinding(setUp().sessions)

    expect(thrownBy(() => withSession(setUp().sessions, () => new Response(), { guards: [binding] })).message).toMatch(
      /of other sessions/,
    )
  })

  it('two adapters with different session cookies', () => {
    const { sessions } = setUp()
    const guards = [deviceBinding(sessions)]
    withSession(sessions, () => new Response(), { guards })

    withSession(sessions, () => new Response(), { guards })
    const error = thrownBy(() => withSession(sessions, () => new Response(), { guards, cookie: { sameSite: 'strict' } }))

    expect(error.message).toMatch(/differ in their session cookies/)
  })
})

it('the bound cookie goes where the session cookie goes', async () => {
  const site = boundSite({ cookieName: '__Secure-b' }, {}, { cookie: { name: '__Secure-s', path: '/app', sameSite: 'strict' } })
  const challenge = challengeIn(await site.answer('/login'))

  const registered = await site.answer('/dbsc/register', {
    method: 'POST',
    headers: { 'secure-session-response': new Device().registration(challenge) },
  })

  const attributes = 'Path=/app; Secure; HttpOnly; SameSite=Strict'
  expect(registered.headers.getSetCookie()).toEqual([expect.stringMatching(`^__Secure-b=[\\w-]{30}; ${attributes}; Max-Age=`)])
  expect(await registered.json()).toMatchObject({ credentials: [{ name: '__Secure-b', attributes }] })
})
