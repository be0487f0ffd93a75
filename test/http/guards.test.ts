import { describe, expect, it } from 'vitest'
import { withSession } from '../../src/adapters/web.ts'
import { serviceOf } from '../../src/core/service.ts'
import { type Session, workOf } from '../../src/core/session.ts'
import type { RequestGuard } from '../../src/http/request-guard.ts'
import { setUp, thrownBy } from '../core/support.ts'

const COOKIE = '__Host-sjn'

/** A site whose handler can sign in, and the cookie of whoever did. */
function site(...guards: RequestGuard[]) {
  const service = setUp()
  const respond = withSession(
    service.sessions,
    async (request, session) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
      if (pathname === '/logout') await session.signOut()
      if (pathname === '/basket') session.data.item = 'tea'
      return pathname === '/page'
        ? new Response('page')
        : Response.json([session.subject ?? null, session.state, session.stateReason ?? null])
    },
    { guards },
  )
  let cookie = ''
  const get = (path: string) => respond(new Request(`https://shop.example${path}`, { headers: { cookie } }))
  const signIn = async () => {
    cookie = (await get('/login')).headers.getSetCookie()[0]!.split(';')[0]!
  }
  return { ...service, get, signIn, token: () => cookie.slice(COOKIE.length + 1) }
}

const guard = (parts: Partial<RequestGuard> = {}): RequestGuard => ({ name: 'test', attach() {}, inspect() {}, ...parts })
const refusing = (reason = 'because') => guard({ inspect: (session) => workOf(session).refuse('unproven', reason) })

describe('a guard', () => {
  it('is asked about active sessions alone, before the handler, in its turn', async () => {
    const seen: string[] = []
    const note = (name: string) => guard({ name, inspect: (session) => void seen.push(`${name} ${session.subject}`) })
    const { get, signIn, sessions, token } = site(note('first'), note('second'))

    await get('/')
    await signIn()
    await get('/')
    await sessions.signOut(await sessions.read(token()))
    await get('/')

    expect(seen).toEqual(['first ada', 'second ada'])
  })

  it('that refuses makes the request anonymous, and the next guards are not asked', async () => {
    const seen: Session<unknown>[] = []
    const last = guard({ name: 'last', inspect: (session) => void seen.push(session) })
    const { get, signIn, sessions, token } = site(refusing('why'), last)
    await signIn()

    const answer = await get('/')

    expect(await answer.json()).toEqual([null, 'unproven', 'why'])
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(seen).toEqual([])
    expect((await sessions.read(token())).subject).toBe('ada')
  })

  it('may take its time, and the handler waits', async () => {
    const slow = guard({
      inspect: async (session) => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        workOf(session).refuse('unproven', 'late')
      },
    })
    const { get, signIn } = site(slow)
    await signIn()

    expect(await (await get('/')).json()).toEqual([null, 'unproven', 'late'])
  })

  it('that fails lets nobody in', async () => {
    const failing = guard({
      inspect: () => {
        throw new Error('a bug of the guard')
      },
    })
    const { get, signIn } = site(failing)
    await signIn()

    await expect(get('/')).rejects.toThrow('a bug of the guard')
  })

  it('adds headers at sign-in, at sign-out and where it refused, and to no other answer', async () => {
    const at: string[] = []
    const telling = (state: string) =>
      guard({
        inspect: (session) => void (at.length > 2 && workOf(session).refuse('unproven', state)),
        respond: (session, _request, target, hasStarted) => {
          at.push(`${session.state} ${hasStarted}`)
          target.set('X-Told', 'yes')
        },
      })
    const { get, signIn } = site(telling('why'))

    await signIn()
    const page = await get('/page')
    await get('/logout')
    await signIn()
    const refused = await get('/page')

    expect(at).toEqual(['active true', 'revoked false', 'active true', 'unproven false'])
    expect([page.headers.get('x-told'), refused.headers.get('x-told')]).toEqual([null, 'yes'])
    // Of a person, whatever the handler thinks: no shared cache may keep it.
    expect([page.headers.get('cache-control'), refused.headers.get('cache-control')]).toEqual([null, 'no-store'])
  })

  it('keeps a note with each session that starts, anonymous ones too', async () => {
    const { get, signIn, sessions, token, store } = site(
      guard({ notesAtStart: (_request, subject) => ({ of: subject ?? null }) }),
      guard({ name: 'silent', notesAtStart: () => undefined }),
    )
    await get('/basket')
    await signIn()
    const { id } = await sessions.read(token())
    const found = await store.read(id!)

    const details = found?.kind === 'record' ? serviceOf(sessions).decode(found.record)?.details : undefined
    expect(details?.notes).toEqual({ test: { of: 'ada' } })
  })
})

describe('a request that a guard refused', () => {
  it('starts no session for a visitor, which would push out the cookie of the one that lives', async () => {
    const { get, signIn } = site(refusing())
    await signIn()

    const answer = await get('/basket')

    expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []])
  })

  it('may sign in, and sign out', async () => {
    const { get, signIn } = site(refusing())
    await signIn()

    const [login, logout] = [await get('/login'), await get('/logout')]

    expect(await login.json()).toEqual(['ada', 'active', null])
    expect(logout.headers.getSetCookie()[0]).toMatch(/^__Host-sjn=; .*Max-Age=0/)
  })

  it('keeps no session alive', async () => {
    const { get, signIn, clock, sessions, token } = site(refusing())
    await signIn()
    for (let minute = 0; minute < 31; minute++) {
      clock.advance(60_000)
      await get('/')
    }

    expect((await sessions.read(token())).state).toBe('expired')
  })
})

it.each([['text'], [{}], [[{}]], [[null]], [[guard(), guard()]]])(
  'guards that are none, or of one name, are refused at start-up (%#)',
  (guards) => {
    const { sessions } = setUp()

    expect(thrownBy(() => withSession(sessions, () => new Response(), { guards: guards as RequestGuard[] }))).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
  },
)
