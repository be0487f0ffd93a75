// Second factors of the application's own, after a sign-in with a provider: `FinishOptions.signIn`, and what `methodOf` lets a login there count for.
import { createSessions, type Session } from 'sojourn'
import { type IdTokenClaims, type RelyingPartyOptions, relyingParty, type SignInOutcome, type StartOptions } from 'sojourn/oidc'
import { createStepUp } from 'sojourn/stepup'
import { memoryFactorStore } from 'sojourn/stepup/stores/memory'
import { memoryStore } from 'sojourn/stores/memory'
import { cookieJar, fakeClock } from 'sojourn/testing'
import { withSession } from 'sojourn/web'
import { expect, it } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { appOf } from '../stepup/codes-support.ts'
import { type ScriptedProvider, scriptedProvider } from './support/scripted-provider.ts'
import { answerCodes, callbackOf, ORIGIN } from './support/site.ts'

/** A site where Ada has an app for codes, and a browser of hers. */
async function adasSite(options: Partial<RelyingPartyOptions> = {}) {
  const provider = await scriptedProvider()
  const clock = fakeClock(Date.now())
  const sessions = createSessions({ store: memoryStore(), keys: testKey(), clock })
  const stepUp = createStepUp(sessions, { factors: memoryFactorStore(), issuer: 'Shop' })
  const sso = relyingParty(sessions, {
    ...{ issuer: provider.issuer, clientId: 'shop', clientSecret: 'a-secret-of-this-client', redirectUri: `${ORIGIN}/callback` },
    ...{ dangerouslyAllowHttp: true, subjectOf: ({ sub }: IdTokenClaims) => sub, ...options },
  })
  const finished: SignInOutcome[] = []
  const routes: Record<string, (session: Session, request: Request) => Promise<unknown> | unknown> = {
    '/sign-in': async (session, request) => sso.start(session, (await request.json()) as StartOptions),
    '/again': async (session, request) => sso.stepUp(session, (await request.json()) as StartOptions),
    '/callback': async (session) => {
      finished.push(await sso.finish(session, { signIn: (how) => stepUp.signIn(session, how) }))
      return { pending: session.pending ?? null, id: session.id ?? null }
    },
    '/me': ({ subject = null, acr, state, id = null }) => ({ subject, acr, state, id }),
    '/step-up/code': async (session, request) => stepUp.totp.verify(session, await request.text()),
  }
  const respond = withSession(
    sessions,
    async (request, session) => Response.json((await routes[new URL(request.url).pathname]!(session, request)) ?? null),
    { guards: [sso, stepUp], clientAddress: () => '192.0.2.1' },
  )
  const jar = cookieJar({ clock })
  const visit = async (path: string, init: RequestInit = {}) => {
    const headers = { cookie: jar.header(ORIGIN + path) ?? '', 'sec-fetch-site': 'same-origin' }
    const response = await respond(new Request(ORIGIN + path, { ...init, headers }))
    jar.store(ORIGIN + path, response.headers.getSetCookie())
    return response.json()
  }
  const enrolling = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const { uri } = await stepUp.totp.begin(enrolling, { account: 'ada' })
  const app = appOf(uri)
  await stepUp.totp.confirm(enrolling, app(clock()))
  clock.advance(30_000)
  return {
    finished,
    signIn: (claims = {}, path = '/sign-in', given: StartOptions = {}) => signIn(provider, visit, path, given, claims),
    type: () => visit('/step-up/code', { method: 'POST', body: app(clock()) }),
    me: () => visit('/me') as Promise<Record<'subject' | 'acr' | 'state' | 'id', unknown>>,
  }
}

async function signIn(
  provider: ScriptedProvider,
  visit: (path: string, init?: RequestInit) => Promise<unknown>,
  path: string,
  given: StartOptions,
  claims: Record<string, unknown>,
): Promise<unknown> {
  const to = new URL((await visit(path, { method: 'POST', body: JSON.stringify(given) })) as string)
  await answerCodes(provider, to, claims)
  return visit(`/callback?${new URLSearchParams(callbackOf(provider, to))}`)
}

it('who has a second factor here is nobody’s until they prove it, however they signed in at the provider', async () => {
  const ada = await adasSite()

  expect(await ada.signIn({ amr: ['pwd'] })).toMatchObject({ pending: 'aal2' })
  expect(await ada.me()).toMatchObject({ subject: null, state: 'pending' })
  await ada.type()
  expect(await ada.me()).toMatchObject({ subject: 'ada', acr: 'aal2' })
})

it('a step-up that the provider answers with a new login makes the second factor due again: it does not go round it', async () => {
  const ada = await adasSite()
  await ada.signIn({ amr: ['pwd'] })
  await ada.type()
  const before = await ada.me()
  const authTime = Math.floor(Date.now() / 1000) + 30
  const after = await ada.signIn({ amr: ['pwd'], sid: 'login-2', auth_time: authTime }, '/again')

  expect([before.acr, ada.finished.at(-1)]).toEqual(['aal2', expect.objectContaining({ ok: true, kind: 'sign-in' })])
  expect(after).toMatchObject({ pending: 'aal2' })
  expect(await ada.me()).toMatchObject({ subject: null, state: 'pending' })
})

it('a provider that proved two factors itself has proved enough', async () => {
  const ada = await adasSite()

  expect(await ada.signIn({ amr: ['pwd', 'otp'] })).toMatchObject({ pending: null })
})

it.each([
  ['nothing of the kind, unless it is said', {}, { amr: undefined }, 'pending'],
  ['what it is said to prove', { methodOf: () => 'pwd' }, { amr: undefined }, 'active'],
  ['the same where it says an empty list', { methodOf: () => ['pwd'] }, { amr: [] }, 'active'],
  ['not that where it says something else', { methodOf: () => 'pwd' }, { amr: ['a new word!'] }, 'pending'],
])('a login there without amr proves %s, and a code here adds to it', async (_which, options, claims, state) => {
  const ada = await adasSite(options)
  await ada.signIn(claims)
  await ada.type()

  expect((await ada.me()).state).toBe(state)
})
