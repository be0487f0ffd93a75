/**
 * 100,000 queued notifications drained: every session of a site has ended while its applications were away, and now they are back. Run it by
 * `npm run example -- --expose-gc bench/hub.ts [--entries 100000] [--clients 10] [--outbox sqlite|memory|postgres]`. Receivers are in a process of their own; one of them
 * hangs, and must hold up none of the others.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generateKeyPair, SignJWT } from 'jose'
import { Pool } from 'pg'
import { createSessions } from 'sojourn'
import { createHub, type Outbox } from 'sojourn/oidc'
import { memoryOutbox } from 'sojourn/oidc/stores/memory'
import { postgresOutbox } from 'sojourn/oidc/stores/postgres'
import { sqliteOutbox } from 'sojourn/oidc/stores/sqlite'
import { memoryStore } from 'sojourn/stores/memory'
import { startServers } from './servers.ts'

const KEY = 'uYd1xGQo3cN0sKq7zL5vB9rT2wE8hJ4mP6aF-_XiRkU'
const HANGING = 'hanging'

if (process.send === undefined) await main()
else receive()

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      entries: { type: 'string', default: '100000' },
      clients: { type: 'string', default: '10' },
      outbox: { type: 'string', default: 'sqlite' },
    },
  })
  const entries = Number(values.entries)
  const ids = Array.from({ length: Number(values.clients) }, (_, index) => `client-${index}`)
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-hub-'))
  const { outbox, stop } = await open(values.outbox, folder)
  const child = fork(import.meta.filename, [], { execArgv: process.execArgv })
  const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(message as number)))
  try {
    const sessions = createSessions({ store: memoryStore(), keys: KEY, storeTimeout: 30_000 })
    const { privateKey } = await generateKeyPair('ES256')
    const signer = {
      issuer: 'https://shop.example',
      sign: (claims: object, typ: string) =>
        new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', typ }).sign(privateKey),
    }
    const clients = [...ids, HANGING].map((id) => ({ id, logoutUri: `http://127.0.0.1:${port}/${id}` }))
    const hub = createHub(sessions, { signer, outbox, clients, dangerouslyAllowHttp: true })

    const fillingAt = performance.now()
    await fill(outbox, entries, ids)
    await fill(outbox, 100, [HANGING])
    const filled = performance.now() - fillingAt
    global.gc?.()
    const heapAtStart = process.memoryUsage().heapUsed

    let [succeeded, heapPeak, lastAt] = [0, heapAtStart, 0]
    const startedAt = performance.now()
    const done = new Promise<void>((resolve) => {
      sessions.events.on('delivery.succeeded', () => {
        succeeded++
        if (succeeded % 1000 === 0) heapPeak = Math.max(heapPeak, process.memoryUsage().heapUsed)
        if (succeeded < entries) return
        lastAt = performance.now()
        resolve()
      })
    })
    const cpuAtStart = process.cpuUsage()
    hub.start()
    await done
    const { user, system } = process.cpuUsage(cpuAtStart)
    const { counts } = await hub.deliveries({ limit: 1 })
    const seconds = (lastAt - startedAt) / 1000
    const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`
    console.log(`outbox ${outbox.name}, ${ids.length} applications and one that hangs, Node ${process.versions.node}`)
    console.log(`filled in ${(filled / 1000).toFixed(1)} s`)
    console.log(
      `drained ${entries} in ${seconds.toFixed(1)} s: ${(entries / seconds).toFixed(0)} a second, ${((user + system) / entries).toFixed(0)} us of CPU each`,
    )
    console.log(`heap ${mb(heapAtStart)} before, at most ${mb(heapPeak)}; resident ${mb(process.memoryUsage().rss)}`)
    console.log(`states ${JSON.stringify(counts)}; events lost ${sessions.events.dropped}`)
    await hub.close()
  } finally {
    child.kill()
    await outbox.close()
    await stop()
    rmSync(folder, { recursive: true })
  }
}

/** As the hub itself does it: each entry is watched, and then its session ends. */
async function fill(outbox: Outbox, entries: number, ids: readonly string[]): Promise<void> {
  const now = Date.now()
  const add = async (index: number) => {
    const sessionId = Buffer.from(`${ids[0]}-${index}`.padEnd(16, '.').slice(0, 16)).toString('base64url')
    await outbox.watch({ sessionId, clientId: ids[index % ids.length]!, sid: sessionId, subject: `reader-${index}`, nextAt: now })
    await outbox.end(sessionId, { endedAt: now, reason: 'logout', nextAt: now })
  }
  for (let from = 0; from < entries; from += 100) {
    await Promise.all(Array.from({ length: Math.min(100, entries - from) }, (_, index) => add(from + index)))
  }
}

async function open(kind: string, folder: string): Promise<{ outbox: Outbox; stop: () => Promise<void> }> {
  if (kind === 'memory') return { outbox: memoryOutbox(), stop: async () => {} }
  if (kind === 'sqlite') return { outbox: sqliteOutbox(join(folder, 'outbox.db')), stop: async () => {} }
  if (kind !== 'postgres') throw new Error(`--outbox is '${kind}'; expected sqlite, memory or postgres.`)
  const { servers, stop } = await startServers(new Set(['postgres']))
  const pool = new Pool({ ...servers.postgres, max: 10 })
  const outbox = postgresOutbox(pool)
  await outbox.migrate()
  return {
    outbox,
    stop: async () => {
      await pool.end()
      await stop()
    },
  }
}

function receive(): void {
  const server = createServer((request, response) => {
    request.resume()
    if (request.url !== `/${HANGING}`) request.on('end', () => response.writeHead(200).end())
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}
