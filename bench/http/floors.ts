/**
 * The least that a session can be, by hand: find the cookie, hash the token, look it up; or open the cookie. No expiry, no rotation,
 * no MAC, no revocation, and nobody who waits for a store that is away.
 */
import { createCipheriv, createDecipheriv, createHash, createSecretKey, hash, randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { connectIoredis, connectMemcached, connectNodeRedis, connectPostgres } from '../clients.ts'
import { answer, indices, type PeerData, type Prepared, peerData, type Surroundings } from './variant.ts'

const COOKIE = 'sid='

export async function floorMap(): Promise<Prepared> {
  const { cookies, rows } = tokens()
  const sessions = new Map(rows.map(({ key }, index) => [key, peerData(index)]))
  return {
    cookies,
    listener(req, res) {
      const session = sessions.get(keyOf(req))
      answer(res, session?.user, session?.basket?.length)
    },
  }
}

export async function floorSqlite({ dataFolder }: Surroundings): Promise<Prepared> {
  const { cookies, rows } = tokens()
  const database = new DatabaseSync(join(dataFolder, `floor-${process.pid}.db`))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE sessions (id TEXT PRIMARY KEY, data TEXT)')
  const insert = database.prepare('INSERT INTO sessions VALUES (?, ?)')
  for (const { key, data } of rows) insert.run(key, data)
  const get = database.prepare('SELECT data FROM sessions WHERE id = ?')
  return {
    cookies,
    listener(req, res) {
      const row = get.get(keyOf(req))
      const session = row && (JSON.parse(String(row.data)) as PeerData)
      answer(res, session?.user, session?.basket?.length)
    },
  }
}

export async function floorIoredis({ servers }: Surroundings): Promise<Prepared> {
  const client = await connectIoredis(servers)
  const { cookies, rows } = tokens()
  for (const { key, data } of rows) await client.set(key, data)
  return { cookies, listener: listenerOn((key) => client.get(key)) }
}

export async function floorNodeRedis({ servers }: Surroundings): Promise<Prepared> {
  const client = await connectNodeRedis(servers)
  const { cookies, rows } = tokens()
  for (const { key, data } of rows) await client.set(key, data)
  return { cookies, listener: listenerOn((key) => client.get(key)) }
}

export async function floorPostgres({ servers }: Surroundings): Promise<Prepared> {
  const pool = await connectPostgres(servers)
  await pool.query('CREATE TABLE floor_sessions (id text PRIMARY KEY, data text)')
  const { cookies, rows } = tokens()
  for (const { key, data } of rows) await pool.query('INSERT INTO floor_sessions VALUES ($1, $2)', [key, data])
  const text = 'SELECT data FROM floor_sessions WHERE id = $1'
  return {
    cookies,
    listener: listenerOn(async (key) => (await pool.query({ name: 'floor', text, values: [key] })).rows[0]?.data),
  }
}

export async function floorMemcached({ servers }: Surroundings): Promise<Prepared> {
  const client = await connectMemcached(servers)
  const { cookies, rows } = tokens()
  for (const { key, data } of rows) await client.set(key, data, {})
  return { cookies, listener: listenerOn(async (key) => (await client.get(key)).value?.toString()) }
}

export async function floorCookie(): Promise<Prepared> {
  const key = createSecretKey(randomBytes(32))
  const seal = (text: string) => {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64url')
  }
  const open = (sealed: Buffer) => {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
    decipher.setAuthTag(sealed.subarray(-16))
    return decipher.update(sealed.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8')
  }
  return {
    cookies: indices.map((index) => COOKIE + seal(JSON.stringify(peerData(index)))),
    listener(req, res) {
      const header = req.headers.cookie ?? ''
      let session: PeerData | undefined
      try {
        session = JSON.parse(open(Buffer.from(header.slice(header.indexOf(COOKIE) + COOKIE.length), 'base64url')))
      } catch {
        // Not ours, or nothing at all.
      }
      answer(res, session?.user, session?.basket?.length)
    },
  }
}

/** Answers when the look-up does. */
function listenerOn(find: (key: string) => Promise<string | null | undefined>): RequestListener {
  return (req, res) => {
    find(keyOf(req)).then(
      (data) => {
        const session = data ? (JSON.parse(data) as PeerData) : undefined
        answer(res, session?.user, session?.basket?.length)
      },
      () => res.writeHead(503).end(),
    )
  }
}

function tokens() {
  const all = indices.map(() => randomBytes(32).toString('base64url'))
  return {
    cookies: all.map((token) => COOKIE + token),
    rows: all.map((token, index) => ({
      key: createHash('sha256').update(token).digest('base64url'),
      data: JSON.stringify(peerData(index)),
    })),
  }
}

function keyOf(req: IncomingMessage): string {
  const header = req.headers.cookie ?? ''
  const start = header.indexOf(COOKIE) + COOKIE.length
  return hash('sha256', header.slice(start, start + 43), 'base64url')
}
