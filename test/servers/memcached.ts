import { Client, type ClientOptions, type ServerOptions } from 'memjs'
import { freePort, Server, temporaryFolder } from './server.ts'

/** Starts a memcached that takes items of 4 MB, so that the contract's bodies of 1 MiB fit. */
export async function startMemcached(...args: readonly string[]): Promise<Server> {
  const port = await freePort()
  const fixed = ['--listen=127.0.0.1', `--port=${port}`, '--udp-port=0', '--max-item-size=4m', '--threads=1', '--user=nobody']
  return Server.start({
    program: 'memcached',
    debianPackage: 'memcached',
    port,
    args: [...fixed, ...args],
    folder: await temporaryFolder(),
  })
}

/** A client of these servers, as an application would make it. */
export function clientOf(servers: readonly { readonly port: number }[], options: ClientOptions & ServerOptions = {}): Client {
  // Tests share two cores: a server that is there must not be given up because they are busy.
  return Client.create(servers.map(({ port }) => `127.0.0.1:${port}`).join(','), { timeout: 5, ...options })
}
