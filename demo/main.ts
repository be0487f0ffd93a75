/** `npm start`: opens the shop on this machine alone. */
import { createServer, type Server } from 'node:http'
import { relative } from 'node:path'
import { createApp } from './app.ts'
import { People, SEEDED } from './people.ts'
import { readSettings } from './settings.ts'
import { openShop } from './shop.ts'
import { StartError, systemCode } from './start-error.ts'

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
  const people = await People.open(settings.dataFolder)
  const shop = openShop(settings, people)
  const app = createApp(shop)
  const servers = await listen((request, response) => app(request, response), settings.port)
  const address = servers[0]?.address()
  const port = typeof address === 'object' && address !== null ? address.port : settings.port

  console.log(`
  Sojourn Books is open: http://localhost:${port}

  Sign in as    ${SEEDED.names.join(' or ')}
  Password      ${SEEDED.password}
  Data          ${nameOf(settings.dataFolder)}
  Close with    Ctrl+C
`)

  let isClosing = false
  const close = async () => {
    if (isClosing) process.exit(1)
    isClosing = true
    const deadline = setTimeout(() => {
      for (const server of servers) server.closeAllConnections()
    }, LAST_ORDERS)
    await Promise.all(servers.map(closeServer))
    clearTimeout(deadline)
    await shop.close()
    process.exit(0)
  }
  process.on('SIGINT', close)
  process.on('SIGTERM', close)
}

/** The short name for a folder below this one, the whole path for any other. */
function nameOf(folder: string): string {
  const short = relative(process.cwd(), folder)
  return short === '' || short.startsWith('..') ? folder : short
}

/** Both loopback addresses, since `localhost` is the one or the other; machines without IPv6 do with one. */
async function listen(app: Parameters<typeof createServer>[1], wantedPort: number): Promise<Server[]> {
  const first = await listenOn(app, '127.0.0.1', wantedPort)
  const address = first.address()
  const port = typeof address === 'object' && address !== null ? address.port : wantedPort
  try {
    return [first, await listenOn(app, '::1', port)]
  } catch (error) {
    if (error instanceof StartError) throw error
    return [first]
  }
}

function listenOn(app: Parameters<typeof createServer>[1], host: string, port: number): Promise<Server> {
  const server = createServer({ requestTimeout: 30_000 }, app)
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = systemCode(error)
      if (code === 'EADDRINUSE') {
        reject(
          new StartError(
            `Port ${port} is in use by another program; stop that, or choose another port: PORT=${port + 1} npm start.`,
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
