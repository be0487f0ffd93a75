/** The shop listens on this machine's loopback addresses alone, and lets those who are inside finish. */
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { StartError, systemCode } from './start-error.ts'

export type ShopServer = Server | TlsServer

/**
 * Opens both loopback addresses, since `localhost` is the one or the other; machines without IPv6 do with one.
 *
 * @param advice - The command that chooses another port.
 * @throws {StartError} The port is taken, or not for this user.
 */
export async function listen(
  makeServer: () => ShopServer,
  wantedPort: number,
  advice: (port: number) => string,
): Promise<ShopServer[]> {
  const first = await listenOn(makeServer(), '127.0.0.1', wantedPort, advice)
  try {
    return [first, await listenOn(makeServer(), '::1', portOf(first), advice)]
  } catch (error) {
    if (!(error instanceof StartError)) return [first]
    await closeServer(first)
    // The system chose a port that is free on one address only: it will choose another one.
    if (wantedPort === 0) return listen(makeServer, wantedPort, advice)
    throw error
  }
}

export function portOf(server: ShopServer | undefined): number {
  const address = server?.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function listenOn(server: ShopServer, host: string, port: number, advice: (port: number) => string): Promise<ShopServer> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = systemCode(error)
      if (code === 'EADDRINUSE') {
        reject(
          new StartError(
            `Port ${port} is in use by another program; stop that, or choose another port: ${advice(port < 65_535 ? port + 1 : 3000)}.`,
          ),
        )
      } else if (code === 'EACCES') {
        reject(new StartError(`Port ${port} may not be used by you; choose one above 1023: ${advice(3000)}.`))
      } else reject(error)
    })
    server.listen(port, host, () => resolve(server))
  })
}

export function closeServer(server: ShopServer): Promise<void> {
  return new Promise((resolve) => {
    // Browsers hold connections open in case they need them again; each is closed as soon as it has nothing under way.
    const sweep = setInterval(() => server.closeIdleConnections(), 100)
    server.close(() => {
      clearInterval(sweep)
      resolve()
    })
  })
}
