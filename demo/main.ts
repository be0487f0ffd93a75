/** `npm start`: opens the shop on this machine alone. */
import { createServer, type Server } from 'node:http'
import { relative } from 'node:path'
import { createApp } from './app.ts'
import { reportOutages } from './outages.ts'
import { People, SEEDED } from './people.ts'
import { readSettings } from './settings.ts'
import { openShop } from './shop.ts'
import { StartError, systemCode } from './start-error.ts'
import { openStore } from './stores/open.ts'
import { placeOf } from './stores/words.ts'

/** Requests under way get this long to finish when the shop closes; the longest of them may wait three seconds by request. */
const LAST_ORDERS = 5000

try {
  await open()
} catch (error) {
  if (!(error instanceof StartError)) throw error
  console.error(error.message)
  process.exit(1)
}

async function open(): Promise<void> {
  const settings = readSettings(process.env)
  const store = await openStore(settings)
  const people = await People.open(settings.dataFolder)
  const shop = openShop(settings, people, store)
  reportOutages(shop, console.log)
  const app = createApp(shop)
  const servers = await listen((request, response) => app(request, response), settings.port)

  console.log(`
  Sojourn Books is open: http://localhost:${portOf(servers[0])}

  Sign in as    ${SEEDED.names.join(' or ')}
  Password      ${SEEDED.password}
  Visits in     ${placeOf(store)}
  Data          ${nameOf(settings.dataFolder)}
  Close with    Ctrl+C
`)

  let closingSince: number | undefined
  const close = async () => {
    // Ctrl+C reaches a program twice when npm passes it on; who means it presses again.
    if (closingSince !== undefined && Date.now() - closingSince > 500) process.exit(1)
    if (closingSince !== undefined) return
    closingSince = Date.now()
    const deadline = setTimeout(() => {
      for (const server of servers) server.closeAllConnections()
    }, LAST_ORDERS)
    await Promise.all(servers.map(closeServer))
    clearTimeout(deadline)
    await shop.close()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, close)
}

/** The short name for a folder below this one, the whole path for any other. */
function nameOf(folder: string): string {
  const short = relative(process.cwd(), folder)
  return short === '' || short.startsWith('..') ? folder : short
}

/** Both loopback addresses, since `localhost` is the one or the other; machines without IPv6 do with one. */
async function listen(app: Parameters<typeof createServer>[1], wantedPort: number): Promise<Server[]> {
  const first = await listenOn(app, '127.0.0.1', wantedPort)
  try {
    return [first, await listenOn(app, '::1', portOf(first))]
  } catch (error) {
    if (!(error instanceof StartError)) return [first]
    await closeServer(first)
    // The system chose a port that is free on one address only: it will choose another one.
    if (wantedPort === 0) return listen(app, wantedPort)
    throw error
  }
}

function portOf(server: Server | undefined): number {
  const address = server?.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function listenOn(app: Parameters<typeof createServer>[1], host: string, port: number): Promise<Server> {
  const server = createServer({ requestTimeout: 30_000 }, app)
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = systemCode(error)
      if (code === 'EADDRINUSE') {
        reject(
          new StartError(
            `Port ${port} is in use by another program; stop that, or choose another port: PORT=${port < 65_535 ? port + 1 : 3000} npm start.`,
          ),
        )
      } else if (code === 'EACCES') {
        reject(new StartError(`Port ${port} may not be used by you; choose one above 1023: PORT=3000 npm start.`))
      } else reject(error)
    })
    server.listen(port, host, () => resolve(server))
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Browsers hold connections open in case they need them again; each is closed as soon as it has nothing under way.
    const sweep = setInterval(() => server.closeIdleConnections(), 100)
    server.close(() => {
      clearInterval(sweep)
      resolve()
    })
  })
}
