import { connect, createServer, type Server, type Socket } from 'node:net'

/** How a client says that it will listen: Redis in each of its ways, PostgreSQL in its one. */
const LISTENS = /subscribe|listen /i

/**
 * Stands between a process and its engine, and can part it from messages alone: connections on which somebody listens lose every
 * byte without a word, or break and cannot be made again. All others go on.
 */
export class MessageProxy {
  readonly port: number
  readonly #server: Server
  readonly #links = new Set<Link>()
  #mode: 'open' | 'silent' | 'broken' = 'open'

  private constructor(server: Server, port: number, target: number) {
    this.#server = server
    this.port = port
    server.on('connection', (client) => this.#link(client, connect(target, '127.0.0.1')))
  }

  static async start(target: number): Promise<MessageProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new MessageProxy(server, (server.address() as { port: number }).port, target)
  }

  /** Connections that somebody listens on. */
  get listening(): number {
    return [...this.#links].filter(({ isListening }) => isListening).length
  }

  /** From now on nothing comes through to those who listen, and nobody is told. */
  silence(): void {
    this.#mode = 'silent'
  }

  /** Ends the connections of those who listen, and refuses them new ones. */
  break(): void {
    this.#mode = 'broken'
    for (const link of this.#links) if (link.isListening) link.end()
  }

  /** What was lost stays lost: silent connections end, new ones may be made. */
  heal(): void {
    this.#mode = 'open'
    for (const link of this.#links) if (link.isListening) link.end()
  }

  async stop(): Promise<void> {
    for (const link of this.#links) link.end()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #link(client: Socket, engine: Socket): void {
    const link: Link = {
      isListening: false,
      end: () => {
        this.#links.delete(link)
        client.destroy()
        engine.destroy()
      },
    }
    this.#links.add(link)
    for (const socket of [client, engine]) {
      socket.setNoDelay(true)
      socket.on('error', link.end)
      socket.on('close', link.end)
    }
    client.on('data', (bytes) => {
      link.isListening ||= LISTENS.test(bytes.toString('latin1'))
      if (link.isListening && this.#mode === 'broken') link.end()
      else if (!(link.isListening && this.#mode === 'silent')) engine.write(bytes)
    })
    engine.on('data', (bytes) => {
      if (!(link.isListening && this.#mode === 'silent')) client.write(bytes)
    })
  }
}

interface Link {
  isListening: boolean
  readonly end: () => void
}
