import { randomInt } from 'node:crypto'
import { Cork, type Corkable } from '../internal/cork.ts'
import { Batches, type Outcome } from './batches.ts'
import type { Argument, Connection, ConnectionListener, Port, Replicated, Replication, Reply } from './port.ts'
import { followRedirections, redirectionIn } from './redirections.ts'

/** By what the store's types know an ioredis `Redis` or `Cluster`; loosely, since its own types differ from version to version. */
export interface IoredisClient {
  readonly status: string
  getBuffer(key: string): Promise<Buffer | null>
  callBuffer(command: string, ...args: Argument[]): Promise<unknown>
  pipeline(commands?: unknown[][]): unknown
  duplicate(...parameters: never[]): unknown
}

/** What the store uses of a `Redis`. */
interface Redis extends IoredisClient {
  readonly options: object
  /** The socket, while there is one. */
  readonly stream?: Partial<Corkable> | undefined
  pipeline(commands: unknown[][]): Pipeline
  connect(): Promise<unknown>
  duplicate(override?: object): Redis
  disconnect(): void
  on(event: string, listener: (...args: never[]) => void): unknown
}

interface Cluster extends Omit<Redis, 'duplicate'> {
  nodes(role: 'master'): Redis[]
  duplicate(startupNodes: never[], override: object): Cluster
}

interface Pipeline {
  exec(): Promise<[error: Error | null, result: unknown][] | null>
}

const isCluster = (client: Redis | Cluster): client is Cluster => 'nodes' in client

/** Sentinel and Cluster, too: the client follows failovers and redirections. */
export class IoredisPort implements Port {
  readonly isCluster: boolean
  readonly #client: Redis | Cluster
  /** Writes that wait for replicas go over connections of their own: `WAIT` holds up all that comes behind it. */
  #writer: Promise<Redis | Cluster> | undefined

  readonly #cork = new Cork()
  readonly #batches: Batches
  readonly #wait: readonly Argument[]

  /** @param replication - For `sendAndWait`. */
  constructor(client: IoredisClient, { replicas, timeout }: Replication) {
    this.#client = client as Redis | Cluster
    this.isCluster = isCluster(this.#client)
    this.#wait = ['wait', String(replicas), String(timeout)]
    this.#batches = new Batches((commands) => this.#sendBatch(commands))
  }

  get(key: string): Promise<Buffer | null> {
    this.#hold()
    return this.#client.getBuffer(key)
  }

  send(_key: string, command: readonly Argument[]): Promise<Reply> {
    const [name, ...args] = command
    this.#hold()
    return this.#client.callBuffer(name as string, ...args) as Promise<Reply>
  }

  /** A Cluster has a writer for each node, and the client does not tell which one a key has: there every write waits by itself. */
  sendAndWait(key: string, command: readonly Argument[]): Promise<Replicated> {
    return this.isCluster ? this.#sendPair(key, command) : this.#batches.add(command)
  }

  async listen(channel: string, isSharded: boolean, listener: ConnectionListener): Promise<Connection> {
    const client = this.#client
    if (!isCluster(client)) return IoredisConnection.open(client.duplicate(LISTENING), channel, isSharded, listener)
    const masters = client.nodes('master')
    const first = masters[randomInt(Math.max(1, masters.length))]
    if (!first) throw new Error('no node of the Cluster is known yet')
    try {
      return await IoredisConnection.open(first.duplicate(LISTENING), channel, isSharded, listener)
    } catch (error) {
      const redirection = redirectionIn(error)
      if (!redirection) throw error
      const { host, port } = redirection
      return IoredisConnection.open(first.duplicate({ ...LISTENING, host, port }), channel, isSharded, listener)
    }
  }

  close(): void {
    this.#writer?.then((writer) => writer.disconnect()).catch(() => {})
    this.#writer = undefined
  }

  /** The client writes each command by itself, as node-redis does not. A Cluster has a socket for each node, and does not tell which one is next. */
  #hold(): void {
    const client = this.#client
    const stream = isCluster(client) ? undefined : client.stream
    if (typeof stream?.cork === 'function' && typeof stream.uncork === 'function') this.#cork.hold(stream as Corkable)
  }

  /** A pipeline that was answered in part when its connection broke is not sent again by the client: its `WAIT` would mean nothing. */
  async #sendBatch(commands: readonly (readonly Argument[])[]): Promise<readonly Outcome[]> {
    const writer = await this.#writerOf()
    const results = await writer.pipeline([...commands.map(asCall), this.#wait.slice()]).exec()
    return (results ?? []).map(([error, reply]) => (error ? { error } : { reply }))
  }

  async #sendPair(key: string, command: readonly Argument[]): Promise<Replicated> {
    const pair = [asCall(command), this.#wait.slice()]
    const writer = (await this.#writerOf()) as Cluster
    return followRedirections(
      async () => replicated(await writer.pipeline(pair).exec()),
      async ({ host, port, isAsk }) => {
        // The client follows redirections of single commands only: this one teaches it that the slot has moved.
        if (!isAsk) writer.getBuffer(key).catch(() => {})
        const node = writer.nodes('master').find(({ options }) => isAt(options, host, port))
        return node && replicated(await node.pipeline(isAsk ? [['asking'], ...pair] : pair).exec())
      },
    )
  }

  #writerOf(): Promise<Redis | Cluster> {
    this.#writer ??= this.#openWriter()
    return this.#writer
  }

  async #openWriter(): Promise<Redis | Cluster> {
    const client = this.#client
    const writer = isCluster(client) ? client.duplicate([], LAZY) : client.duplicate(LAZY)
    // Its faults are told by rejections.
    writer.on('error', () => {})
    try {
      await writer.connect()
      return writer
    } catch (error) {
      writer.disconnect()
      this.#writer = undefined
      throw error
    }
  }
}

const LAZY = { lazyConnect: true }

/** Not again by itself: who listens must know that something may have been missed. */
const LISTENING = {
  lazyConnect: true,
  retryStrategy: null,
  enableOfflineQueue: true,
  enableReadyCheck: false,
  autoResubscribe: false,
}

const isAt = (options: object, host: string, port: number) =>
  'host' in options && 'port' in options && options.host === host && options.port === port

const asCall = (command: readonly Argument[]) => ['call', ...command]

/** What a pipeline that ends with a write and `WAIT` gave. */
function replicated(results: [error: Error | null, result: unknown][] | null): Replicated {
  const [written, waited] = (results ?? []).slice(-2)
  if (!written || !waited) throw new Error('the connection was closed')
  if (written[0]) throw written[0]
  if (waited[0]) throw waited[0]
  return { reply: written[1] as Reply, replicas: Number(waited[1]) }
}

class IoredisConnection implements Connection {
  readonly #redis: Redis
  readonly #isSharded: boolean

  private constructor(redis: Redis, isSharded: boolean) {
    this.#redis = redis
    this.#isSharded = isSharded
  }

  static async open(redis: Redis, channel: string, isSharded: boolean, listener: ConnectionListener): Promise<IoredisConnection> {
    const connection = new IoredisConnection(redis, isSharded)
    let isLost = false
    const lost = () => {
      if (isLost) return
      isLost = true
      listener.lost()
    }
    redis.on('error', () => {})
    redis.on(isSharded ? 'smessage' : 'message', (name: string, message: string) => listener.message(name, message))
    try {
      await redis.connect()
      await connection.subscribe(channel)
    } catch (error) {
      redis.disconnect()
      throw error
    }
    redis.on('close', lost)
    // The channel's slot has moved to another node.
    redis.on('moved', lost)
    if (redis.status !== 'ready') throw new Error('the connection was closed')
    return connection
  }

  async subscribe(channel: string): Promise<void> {
    await this.#redis.callBuffer(this.#isSharded ? 'ssubscribe' : 'subscribe', channel)
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#redis.callBuffer(this.#isSharded ? 'sunsubscribe' : 'unsubscribe', channel)
  }

  ping(): Promise<unknown> {
    return this.#redis.callBuffer('ping')
  }

  close(): void {
    this.#redis.disconnect()
  }
}
