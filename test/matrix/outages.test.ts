import { createSessions, type OnOutage, type Sessions, seconds } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { faultyStore } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { serve } from '../http/support/servers.ts'
import { type App, adapters, type Data } from './adapters.ts'
import { Browser } from './browser.ts'

const app: App = async ({ path }, session) => {
  if (path === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
  if (path === '/logout') await session.signOut()
  if (path === '/note') session.data.note = 'kept'
  return { body: JSON.stringify({ state: session.state, subject: session.subject ?? null }) }
}
const onOutage = ({ url }: { readonly url?: string | undefined }): OnOutage => (url?.endsWith('/me') ? 'reject' : 'anonymous')

for (const [name, adapter] of Object.entries(adapters)) {
  describe(`${name}: while the store is away`, () => {
    const signedInBrowser = async () => {
      const store = faultyStore(memoryStore())
      const sessions = createSessions({
        store,
        keys: testKey(),
        storeTimeout: 200,
        circuitBreaker: { failures: 3, pause: seconds(3) },
      })
      const browser = new Browser(await serve(adapter(sessions as unknown as Sessions<Data>, app, { onOutage }), { tls: true }))
      await browser.get('/login')
      return { store, browser, token: browser.token }
    }

    it('a page that needs to know who it is answers 503 with Retry-After, and the cookie stays', async () => {
      const { store, browser, token } = await signedInBrowser()
      store.setFaults({ all: { kind: 'error' } })

      const answer = await browser.get('/me')

      expect(answer.status).toBe(503)
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
      expect([answer.setCookies, browser.token]).toEqual([[], token])
      store.setFaults({})
      expect(JSON.parse((await browser.get('/me')).body).subject).toBe('ada')
    })

    it('a page that is the same for everybody is served to nobody in particular, and the cookie stays', async () => {
      const { store, browser, token } = await signedInBrowser()
      store.setFaults({ all: { kind: 'error' } })

      const answer = await browser.get('/catalogue')

      expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { state: 'unavailable', subject: null }])
      expect([answer.setCookies, browser.token]).toEqual([[], token])
    })

    it('such a page can neither keep data nor sign anybody in or out', async () => {
      const { store, browser, token } = await signedInBrowser()
      store.setFaults({ read: { kind: 'error' } })

      const answers = [await browser.get('/note'), await browser.get('/login'), await browser.get('/logout')]

      expect(answers.map(({ status }) => status)).toEqual([503, 503, 503])
      expect([answers.flatMap(({ setCookies }) => setCookies), browser.token]).toEqual([[], token])
    })

    it('a store that hangs costs one timeout each for a few, and then nobody waits', async () => {
      const { store, browser } = await signedInBrowser()
      store.setFaults({ all: { kind: 'partition' } })
      for (let i = 0; i < 3; i++) expect((await browser.get('/me')).status).toBe(503)
      const before = store.calls.length

      const answer = await browser.get('/me')

      // Not even asked: nobody waits for what does not answer.
      expect(store.calls.length).toBe(before)
      expect([answer.status, name.startsWith('node, nodeSession') || Number(answer.headers['retry-after']) >= 2]).toEqual([
        503,
        true,
      ])
    })
  })
}
