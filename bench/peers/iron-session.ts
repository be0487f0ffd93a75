/** iron-session, on node:http and Express, as its manual has it. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { newExpress } from '../http/bare.ts'
import { answer, type PeerData, type Prepared, peerData, signInAll, signingIn } from '../http/variant.ts'
import { newKey } from '../sample.ts'
import { loadPeer } from './install.ts'

type IronSession = PeerData & { save(): Promise<void> }
type GetIronSession = (req: IncomingMessage, res: ServerResponse, options: object) => Promise<IronSession>

export async function ironSessionOnNode(): Promise<Prepared> {
  const handle = await handler()
  const listener: RequestListener = (req, res) => {
    handle(req, res).catch(() => res.writeHead(500).end())
  }
  return { listener, cookies: await signInAll(listener) }
}

export async function ironSessionOnExpress(): Promise<Prepared> {
  const app = await newExpress()
  app.get('/{*path}', await handler())
  const listener = app as RequestListener
  return { listener, cookies: await signInAll(listener) }
}

async function handler() {
  const { getIronSession } = await loadPeer<{ getIronSession: GetIronSession }>('iron-session')
  const options = { password: newKey(), cookieName: 'iron', cookieOptions: { secure: false } }
  return async (req: IncomingMessage, res: ServerResponse) => {
    const session = await getIronSession(req, res, options)
    const index = signingIn(req.url)
    if (index === undefined) return answer(res, session.user, session.basket?.length)
    Object.assign(session, peerData(index))
    await session.save()
    res.end()
  }
}
