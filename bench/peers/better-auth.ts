/**
 * better-auth on node:http, asked for the session of each request: from SQLite, and from its cookie cache, which is signed and goes on
 * after a revocation. It is much more than sessions; only what a request pays for its session is looked at.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { join } from 'node:path'
import { answer, type Prepared, peerData, type Surroundings, signInAll, signingIn } from '../http/variant.ts'
import type { SampleData } from '../sample.ts'
import { loadPeer } from './install.ts'

interface Auth {
  readonly options: object
  readonly api: {
    signUpEmail(call: { body: object; returnHeaders: true }): Promise<{ readonly headers: Headers }>
    updateSession(call: { body: object; headers: Headers; returnHeaders: true }): Promise<{ readonly headers: Headers }>
    getSession(call: { headers: Headers }): Promise<{
      readonly user: { readonly name: string }
      readonly session: { readonly sample: string | null }
    } | null>
  }
}

interface Modules {
  readonly auth: { betterAuth(options: object): Auth }
  readonly node: { fromNodeHeaders(headers: IncomingHttpHeaders): Headers }
  readonly migration: { getMigrations(options: object): Promise<{ runMigrations(): Promise<void> }> }
  readonly sqlite: { default: new (file: string) => { pragma(text: string): unknown } }
}

export function betterAuth({ cookieCache }: { readonly cookieCache: boolean }) {
  return async ({ dataFolder }: Surroundings): Promise<Prepared> => {
    const { fromNodeHeaders } = await loadPeer<Modules['node']>('better-auth/node')
    const auth = await openAuth(join(dataFolder, `better-auth-${process.pid}.db`), cookieCache)
    const signUp = async (index: number) => {
      const { user, ...sample } = peerData(index)
      const body = { email: `${user}@example.org`, name: user, password: 'a password of this bench' }
      const signedUp = await auth.api.signUpEmail({ body, returnHeaders: true })
      // The data come in a second step; the cache then is in this answer.
      const headers = new Headers({ cookie: cookiesOf(signedUp.headers).join('; ') })
      const updated = await auth.api.updateSession({ body: { sample: JSON.stringify(sample) }, headers, returnHeaders: true })
      return updated.headers.getSetCookie()
    }
    const listener: RequestListener = async (req, res) => {
      try {
        const index = signingIn(req.url)
        if (index !== undefined) return res.setHeader('set-cookie', await signUp(index)).end()
        const found = await auth.api.getSession({ headers: fromNodeHeaders(req.headers) })
        const sample = found?.session.sample ? (JSON.parse(found.session.sample) as SampleData) : undefined
        return answer(res, found?.user.name, sample?.basket?.length)
      } catch (error) {
        return res.writeHead(500).end(String(error))
      }
    }
    return { listener, cookies: await signInAll(listener) }
  }
}

async function openAuth(file: string, isCached: boolean): Promise<Auth> {
  const { betterAuth: create } = await loadPeer<Modules['auth']>('better-auth')
  const { getMigrations } = await loadPeer<Modules['migration']>('better-auth/db/migration')
  const { default: Database } = await loadPeer<Modules['sqlite']>('better-sqlite3')
  const database = new Database(file)
  // As our own store sets it.
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  const auth = create({
    database,
    secret: randomBytes(32).toString('hex'),
    baseURL: 'http://127.0.0.1',
    telemetry: { enabled: false },
    // A thousand people sign up here, and how passwords are hashed is not what is measured.
    emailAndPassword: { enabled: true, password: { hash: async () => 'none', verify: async () => false } },
    session: {
      additionalFields: { sample: { type: 'string', required: false } },
      // For as long as a run takes; the default is five minutes, after which it asks the database again.
      cookieCache: { enabled: isCached, maxAge: 3600 },
    },
  })
  await (await getMigrations(auth.options)).runMigrations()
  return auth
}

const cookiesOf = (headers: Headers) => headers.getSetCookie().map((line) => line.slice(0, line.indexOf(';')))
