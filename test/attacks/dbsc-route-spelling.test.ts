// The attacker has: the session cookie of somebody whose browser cannot bind, on a site that asks for a bound device on some routes only.
// The attacker does: writes the address of such a route in every way that Express, or a server that parses URLs, takes for the same.
// The attacker must not obtain: what the route shows.
import { connect } from 'node:tls'
import express from 'express'
import { describe, expect, it } from 'vitest'
import { type SessionApplication, sessionMiddleware } from '../../src/adapters/express.ts'
import { withSession } from '../../src/adapters/node.ts'
import { type DeviceBindingOptions, deviceBinding } from '../../src/binding/dbsc.ts'
import { minutes } from '../../src/core/duration.ts'
import { setUp } from '../core/support.ts'
import { ask, serve } from '../http/support/servers.ts'

const SPELLINGS = [
  '/admin',
  '/admin/',
  '/ADMIN',
  '/admin?a=/shop',
  'https://localhost/admin',
  'HTTPS://elsewhere.example/admin/?a',
  'http://localhost/Admin',
  '/shop/../admin',
  '/./admin',
  '//admin',
]
const OPEN = new Set(['/', '/login', '/shop'])

/** One request whose target is sent as it is: no client of a library's own would. */
function askAsIs(origin: string, target: string, cookie: string): Promise<string> {
  const { port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false }, () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`),
    )
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (data) => (text += data))
    socket.on('error', reject)
    socket.on('end', () => resolve(text))
  })
}

const sites: [string, (service: ReturnType<typeof setUp>, mode: NonNullable<DeviceBindingOptions['mode']>) => Promise<string>][] =
  [
    [
      'Express',
      (service, mode) => {
        const app: SessionApplication<typeof service.sessions> = express()
        app.use(sessionMiddleware(service.sessions, { guards: [deviceBinding(service.sessions, { mode })] }))
        app.get('/login', async (req, res) => {
          await req.session.signIn({ subject: 'ada', method: 'pwd' })
          res.send('hello')
        })
        app.get('/admin', (req, res) => void res.send(`secret of ${req.session.subject}`))
        app.get('/shop', (req, res) => void res.send(`basket of ${req.session.subject}`))
        return serve(app as never, { tls: true })
      },
    ],
    [
      'a listener that parses URLs',
      (service, mode) => {
        const listener = withSession(
          service.sessions,
          async (req, res, session) => {
            const path = new URL(req.url!, 'https://localhost').pathname.replace(/\/$/, '')
            if (path === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
            res.end(path === '/admin' ? `secret of ${session.subject}` : `basket of ${session.subject}`)
          },
          { guards: [deviceBinding(service.sessions, { mode })] },
        )
        return serve(listener, { tls: true })
      },
    ],
  ]

describe.each(sites)('on %s', (_, start) => {
  async function stolen(mode: NonNullable<DeviceBindingOptions['mode']>) {
    const service = setUp()
    const origin = await start(service, mode)
    const [cookie = ''] = (await ask(`${origin}/login`)).setCookies[0]!.split(';')
    service.clock.advance(minutes(2))
    return { origin, cookie }
  }

  it('where the open routes are named, no spelling leads to another', async () => {
    const { origin, cookie } = await stolen(({ path }) => (OPEN.has(path) ? 'preferred' : 'required'))

    for (const target of SPELLINGS) expect.soft(await askAsIs(origin, target, cookie), target).not.toContain('secret of ada')
    expect(await askAsIs(origin, '/shop', cookie)).toContain('basket of ada')
  })

  it('where the guarded route is named, a whole URL is that route too', async () => {
    const { origin, cookie } = await stolen(({ path }) => (path === '/admin' ? 'required' : 'preferred'))

    for (const target of ['/admin', 'https://localhost/admin', 'HTTPS://elsewhere.example/admin?a'])
      expect.soft(await askAsIs(origin, target, cookie), target).not.toContain('secret of ada')
    expect(await askAsIs(origin, 'https://localhost/shop', cookie)).toContain('basket of ada')
  })
})
