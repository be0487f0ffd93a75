import { randomInt } from 'node:crypto'
import { Batches, type Outcome } from './batches.ts'
import type { Argument, Connection, ConnectionListener, Port, Replicated, Replication, Reply } from './port.ts'
import { followRedirections, redirectionIn } from './redirections.ts'

interface CommandOptions {
  readonly typeMapping: object
  /** Commands of one chain go over one connection, or those that are left are given up. */
  readonly chainId?: symbol
}

/**
 * By what the store's types know a client of node-redis: what `createClient`, `createCluster` or `createSentinel` made. Loosely, since
 * its own types differ from version to version and with every option.
 */
export interface NodeRedisClient {
  readonly isOpen: boolean
  connect(): Promise<unknown>
  multi(...parameters: never[]): unknown
  sendCommand(...parameters: never[]): Promise<unknown>
  duplicate(...parameters: never[]): unknown
}

type OnMessage = (message: string, channel: string) => void

interface Common extends Omit<NodeRedisClient, 'sendCommand'> {
  destroy(): void
  on(event: string, listener: (...parameters: never[]) => void): unknown
  multi(...parameters: unknown[]): Pipeline
  subscribe(channel: string, listener: OnMessage): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
}

interface Client extends Common {
  readonly options: { readonly socket?: object }
  sendCommand(command: readonly Argument[], options: CommandOptions): Promise<unknown>
  sSubscribe(channel: string, listener: OnMessage): Promise<unknown>
  sUnsubscribe(channel: string): Promise<unknown>
  duplicate(overrides?: object): Client
}

interface Cluster extends Common {
  readonly masters: readonly object[]
  readonly nodeByAddress: ReadonlyMap<string, object>
  nodeClient(node: object): Client | Promise<Client>
  sendCommand(key: string, isReadonly: boolean, command: readonly Argument[], options: CommandOptions): Promise<unknown>
  duplicate(): Cluster
}

interface Sentinel extends Common {
  acquire(): Promise<unknown>
  sendCommand(isReadonly: boolean, command: readonly Argument[], options: CommandOptions): Promise<unknown>
  duplicate(): Sentinel
}

/** The parameters of `addCommand` differ between the three. */
interface Pipeline {
  addCommand(...parameters: unknown[]): unknown
  execAsPipeline(): Promise<unknown[]>
}

type AnyClient = Client | Cluster | Sentinel

const isCluster = (client: AnyClient): client is Cluster => 'nodeByAddress' in client
const isSentinel = (client: AnyClient): client is Sentinel => 'acquire' in client

/** Bulk strings as bytes. Whatever mapping the client has of its own does not concern us. */
const BYTES: CommandOptions = { typeMapping: { 36 /* RESP's '$' */: Buffer } }

/** Clients of node-redis 5 and later. */
export class NodeRedisPort implements Port {
  readonly isCluster: boolean
  readonly #client: AnyClient
  readonly #isPlain: boolean
  /** Writes that wait for replicas go over connections of their own: `WAIT` holds up all that comes behind it. */
  #writer: Promise<AnyClient> | undefined

  readonly #batches: Batches
  readonly #wait: readonly Argument[]

  /** @param replication - For `sendAndWait`. */
  constructor(client: NodeRedisClient, { replicas, timeout }: Replication) {
    this.#wait = ['WAIT', String(replicas), String(timeout)]
    this.#batches = new Batches((commands) => this.#sendBatch(commands))
    this.#client = client as AnyClient
    this.isCluster = isCluster(this.#client)
    this.#isPlain = !this.isCluster && !isSentinel(this.#client)
  }

  get(key: string): Promise<Buffer | null> {
    const answer = this.#isPlain
      ? (this.#client as Client).sendCommand(['GET', key], BYTES)
      : send(this.#client, key, ['GET', key])
    return answer as Promise<Buffer | null>
  }

  send(key: string, command: readonly Argument[]): Promise<Reply> {
    return send(this.#client, key, command)
  }

  /** A cluster does not tell which node a key has, and a sentinel has connections that it lends: there every write waits by itself. */
  sendAndWait(key: string, command: readonly Argument[]): Promise<Replicated> {
    return this.#isPlain ? this.#batches.add(command) : this.#sendPair(key, command)
  }

  async listen(channel: string, isSharded: boolean, listener: ConnectionListener): Promise<Connection> {
    const client = this.#client
    if (isSentinel(client)) return NodeRedisConnection.open(client.duplicate(), channel, false, listener)
    if (!isCluster(client)) return NodeRedisConnection.open(duplicate(client), channel, isSharded, listener)
    const node = client.masters[randomInt(Math.max(1, client.masters.length))]
    if (!node) throw new Error('no node of the Cluster is known yet')
    const first = (await client.nodeClient(node)) as Client
    try {
      return await NodeRedisConnection.open(duplicate(first), channel, isSharded, listener)
    } catch (error) {
      const redirection = redirectionIn(error)
      if (!redirection) throw error
      return NodeRedisConnection.open(duplicate(first, redirection), channel, isSharded, listener)
    }
  }

  close(): void {
    this.#writer?.then((writer) => writer.destroy()).catch(() => {})
    this.#writer = undefined
  }

  async #sendBatch(commands: readonly (readonly Argument[])[]): Promise<readonly Outcome[]> {
    const writer = (await this.#writerOf()) as Client
    const options = { ...BYTES, chainId: Symbol('writes and WAIT') }
    const results = await Promise.allSettled([...commands, this.#wait].map((command) => writer.sendCommand(command, options)))
    return results.map((one) => (one.status === 'fulfilled' ? { reply: one.value } : { error: one.reason }))
  }

  async #sendPair(key: string, command: readonly Argument[]): Promise<Replicated> {
    const writer = await this.#writerOf()
    const pair = [command, this.#wait]
    return followRedirections(
      async () => replicated(await pipeline(writer, key, pair)),
      async ({ host, port, isAsk }) => {
        if (!isCluster(writer)) return undefined
        // The client follows redirections of single commands only: this one teaches it that the slot has moved.
        if (!isAsk) send(writer, key, ['GET', key]).catch(() => {})
        const node = writer.nodeByAddress.get(`${host}:${port}`)
        return node && replicated(await pipeline(await writer.nodeClient(node), key, isAsk ? [['ASKING'], ...pair] : pair))
      },
    )
  }

  #writerOf(): Promise<AnyClient> {
    this.#writer ??= connected(this.#client.duplicate() as AnyClient).catch((error) => {
      this.#writer = undefined
      throw error
    })
    return this.#writer
  }
}

function send(client: AnyClient, key: string, command: readonly Argument[]): Promise<Reply> {
  const answer = isCluster(client)
    ? client.sendCommand(key, false, command, BYTES)
    : isSentinel(client)
      ? client.sendCommand(false, command, BYTES)
      : client.sendCommand(command, BYTES)
  return answer as Promise<Reply>
}

async function pipeline(client: AnyClient, key: string, commands: readonly (readonly Argument[])[]): Promise<unknown[]> {
  if (isCluster(client)) {
    const pending = client.multi(key)
    for (const command of commands) pending.addCommand(key, false, command)
    return pending.execAsPipeline()
  }
  const pending = client.multi()
  for (const command of commands) {
    if (isSentinel(client)) pending.addCommand(false, command)
    else pending.addCommand(command)
  }
  return pending.execAsPipeline()
}

/** What a pipeline that ends with a write and `WAIT` gave. */
function replicated(replies: readonly unknown[]): Replicated {
  const [reply, replicas] = replies.slice(-2)
  return { reply: reply as Reply, replicas: Number(replicas) }
}

async function connected<T extends AnyClient>(client: T): Promise<T> {
  client.on('error', () => {})
  await client.connect()
  return client
}

/** A connection that does not come back by itself: who listens must know that something may have been missed. */
function duplicate(client: Client, address?: { readonly host: string; readonly port: number }): Client {
  const { socket } = client.options
  const elsewhere = address ? { host: address.host, port: address.port } : {}
  const overrides = { url: undefined, socket: { ...socket, ...elsewhere, reconnectStrategy: false } }
  return client.duplicate(overrides)
}

class NodeRedisConnection implements Connection {
  readonly #client: Client | Sentinel
  readonly #isSharded: boolean
  readonly #onMessage: (message: string, channel: string) => void

  private constructor(client: Client | Sentinel, isSharded: boolean, listener: ConnectionListener) {
    this.#client = client
    this.#isSharded = isSharded
    this.#onMessage = (message, channel) => listener.message(channel, message)
  }

  static async open(
    client: Client | Sentinel,
    channel: string,
    isSharded: boolean,
    listener: ConnectionListener,
  ): Promise<NodeRedisConnection> {
    const connection = new NodeRedisConnection(client, isSharded, listener)
    let isLost = false
    const lost = () => {
      if (isLost) return
      isLost = true
      listener.lost()
    }
    let isOpen = false
    const gone = () => {
      if (isOpen) lost()
    }
    // A Sentinel client reconnects by itself, and only says that something happened. The second is a slot that moved.
    for (const event of ['error', 'end', 'sharded-channel-moved', 'topology-change', 'client-error']) client.on(event, gone)
    try {
      await client.connect()
      await connection.subscribe(channel)
    } catch (error) {
      connection.close()
      throw error
    }
    isOpen = true
    return connection
  }

  async subscribe(channel: string): Promise<void> {
    if (this.#isSharded) await (this.#client as Client).sSubscribe(channel, this.#onMessage)
    else await this.#client.subscribe(channel, this.#onMessage)
  }

  async unsubscribe(channel: string): Promise<void> {
    if (this.#isSharded) await (this.#client as Client).sUnsubscribe(channel)
    else await this.#client.unsubscribe(channel)
  }

  ping(): Promise<unknown> {
    return send(this.#client, '', ['PING'])
  }

  close(): void {
    this.#client.destroy()
  }
}
