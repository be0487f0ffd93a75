/** Redis servers for tests: one alone, one with a replica and three Sentinels, and a Cluster of six. */
import { connect } from 'node:net'
import { freePort, Server, temporaryFolder } from './server.ts'

/** A server that speaks Redis' protocol and takes its arguments. */
export interface Make {
  readonly program: string
  readonly debianPackage: string
}

const REDIS: Make = { program: 'redis-server', debianPackage: 'redis-server' }
/** Nothing on disk, unless a test asks for it. */
const QUIET = [
  '--save',
  '',
  '--appendonly',
  'no',
  '--bind',
  '127.0.0.1',
  '--loglevel',
  'warning',
  '--repl-diskless-sync-delay',
  '0',
]

/** One server. */
export interface RedisServer {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly url: string
  readonly server: Server
  /** Sends one command over a connection of its own, and gives the raw reply: for what no client should be in the way of. */
  send(...command: string[]): Promise<string>
  stop(): Promise<void>
}

/** Starts a server without persistence. `extraArgs` are those of `redis-server`, such as `'--maxmemory', '10mb'`. */
export const startRedis = (...extraArgs: string[]): Promise<RedisServer> => startOne(REDIS, extraArgs)

/** The same of any make. */
export async function startOne(make: Make, extraArgs: readonly string[]): Promise<RedisServer> {
  const port = await freePort()
  return start(make, port, ['--port', String(port), ...QUIET, ...extraArgs])
}

async function start(make: Make, port: number, args: readonly string[], folder?: string): Promise<RedisServer> {
  const send = (...command: string[]) => sendTo(port, command)
  const server = await Server.start({
    ...make,
    port,
    args,
    folder: folder ?? (await temporaryFolder()),
    isReady: async () => (await send('PING')).startsWith('+PONG'),
  })
  return { host: '127.0.0.1', port, url: `redis://127.0.0.1:${port}`, server, send, stop: () => server.stop() }
}

/** A primary, its replica and three Sentinels that agree on a failover within a second or two. */
export interface Sentinels {
  readonly name: 'sessions'
  readonly sentinels: readonly { readonly host: '127.0.0.1'; readonly port: number }[]
  readonly primary: RedisServer
  readonly replica: RedisServer
  /** The port that the Sentinels take for the primary's at present. */
  primaryPort(): Promise<number>
  stop(): Promise<void>
}

export async function startSentinels(): Promise<Sentinels> {
  const primary = await startRedis()
  const replica = await startRedis('--replicaof', '127.0.0.1', String(primary.port))
  await until(async () => (await replica.send('INFO', 'replication')).includes('master_link_status:up'))
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(primary.port)))
  await until(async () => {
    const known = await Promise.all(sentinels.map(({ send }) => send('SENTINEL', 'MASTER', 'sessions')))
    const counts = ['num-slaves\r\n$1\r\n1', 'num-other-sentinels\r\n$1\r\n2']
    return known.every((answer) => counts.every((count) => answer.includes(count)))
  })
  const all = [primary, replica, ...sentinels]
  return {
    name: 'sessions',
    sentinels: sentinels.map(({ host, port }) => ({ host, port })),
    primary,
    replica,
    primaryPort: async () =>
      Number(/\$\d+\r\n(\d+)\r\n$/.exec(await sentinels[0]!.send('SENTINEL', 'get-master-addr-by-name', 'sessions'))?.[1]),
    stop: async () => {
      await Promise.all(all.map((server) => server.stop()))
    },
  }
}

async function startSentinel(primaryPort: number): Promise<RedisServer> {
  const port = await freePort()
  const folder = await temporaryFolder()
  const { writeFile } = await import('node:fs/promises')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor sessions 127.0.0.1 ${primaryPort} 2`,
    'sentinel down-after-milliseconds sessions 400',
    'sentinel failover-timeout sessions 3000',
    'sentinel parallel-syncs sessions 1',
  ]
  const path = `${folder}/sentinel.conf`
  await writeFile(path, `${lines.join('\n')}\n`)
  return start(REDIS, port, [path, '--sentinel'], folder)
}

/** Three primaries, each with a replica. */
export interface RedisCluster {
  /** The primaries, then their replicas. */
  readonly nodes: readonly RedisServer[]
  /** Moves a slot to one of the primaries, key by key, as resharding does; `pause` milliseconds lie between two keys. */
  moveSlot(slot: number, to: number, pause?: number): Promise<void>
  /** Starts a replica of a node and waits until it follows. `stop` stops it as well. */
  addReplica(of: RedisServer): Promise<void>
  stop(): Promise<void>
}

export const startRedisCluster = (...extraArgs: string[]): Promise<RedisCluster> => startCluster(REDIS, extraArgs)

/** The same of any make. */
export async function startCluster(make: Make, extraArgs: readonly string[]): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '5000', ...extraArgs]
  const nodes = await Promise.all([0, 1, 2, 3, 4, 5].map(() => startNode(make, args)))
  const ids = await Promise.all(nodes.map(async ({ send }) => bulk(await send('CLUSTER', 'MYID'))))
  const ranges = ['0-5460', '5461-10922', '10923-16383']
  for (const [i, range] of ranges.entries()) {
    const [from, to] = range.split('-') as [string, string]
    await nodes[i]!.send('CLUSTER', 'ADDSLOTSRANGE', from, to)
    await nodes[i]!.send('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
  }
  for (const node of nodes.slice(1)) await nodes[0]!.send('CLUSTER', 'MEET', '127.0.0.1', String(node.port))
  const knowsAll = (answer: string) => ids.every((id) => answer.includes(id))
  await until(async () => (await Promise.all(nodes.map(({ send }) => send('CLUSTER', 'NODES')))).every(knowsAll))
  for (const i of [3, 4, 5]) await nodes[i]!.send('CLUSTER', 'REPLICATE', ids[i - 3]!)
  await until(async () => {
    const states = await Promise.all(nodes.map(({ send }) => send('CLUSTER', 'INFO')))
    const maps = await Promise.all(nodes.map(({ send }) => send('CLUSTER', 'NODES')))
    const links = await Promise.all(nodes.slice(3).map(({ send }) => send('INFO', 'replication')))
    return (
      states.every((state) => state.includes('cluster_state:ok') && state.includes('cluster_size:3')) &&
      maps.every((map) => map.split('slave').length === 4) &&
      links.every((link) => link.includes('master_link_status:up'))
    )
  })
  const owners = new Map<number, number>()
  const moveSlot = async (slot: number, to: number, pause = 0) => {
    const from = owners.get(slot) ?? ranges.findIndex((range) => slot <= Number(range.split('-')[1]))
    if (from === to) return
    const [source, target] = [nodes[from]!, nodes[to]!]
    const set = async (node: RedisServer, ...state: string[]) => {
      const reply = await node.send('CLUSTER', 'SETSLOT', String(slot), ...state)
      if (reply.startsWith('-')) throw new Error(`slot ${slot} does not move from ${from} to ${to}: ${reply}`)
    }
    await set(target, 'IMPORTING', ids[from]!)
    await set(source, 'MIGRATING', ids[to]!)
    for (;;) {
      const [key] = textsIn(await source.send('CLUSTER', 'GETKEYSINSLOT', String(slot), '1'))
      if (key === undefined) break
      const reply = await source.send('MIGRATE', '127.0.0.1', String(target.port), key, '0', '5000')
      if (reply.startsWith('-')) throw new Error(`a key of slot ${slot} does not move from ${from} to ${to}: ${reply}`)
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
    for (const node of [target, source, ...nodes.slice(0, 3)]) await set(node, 'NODE', ids[to]!)
    owners.set(slot, to)
  }
  const added: RedisServer[] = []
  const addReplica = async (of: RedisServer) => {
    const replica = await startNode(make, args)
    added.push(replica)
    const id = bulk(await of.send('CLUSTER', 'MYID'))
    await replica.send('CLUSTER', 'MEET', '127.0.0.1', String(of.port))
    // Refused until the two have met.
    await until(async () => (await replica.send('CLUSTER', 'REPLICATE', id)).startsWith('+OK'))
    await until(async () => (await replica.send('INFO', 'replication')).includes('master_link_status:up'))
  }
  return {
    nodes,
    moveSlot,
    addReplica,
    stop: async () => {
      await Promise.all([...nodes, ...added].map((node) => node.stop()))
    },
  }
}

/** The bus has its port 10,000 above: one that is free, too. */
async function startNode(make: Make, args: readonly string[]): Promise<RedisServer> {
  for (;;) {
    const port = await freePort()
    if (port > 55_535) continue
    try {
      return await start(make, port, ['--port', String(port), ...QUIET, ...args])
    } catch (error) {
      if (!String(error).includes('Address already in use')) throw error
    }
  }
}

/** Sends a command in the protocol of Redis, and gives the raw reply. */
export function sendTo(port: number, command: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let reply = ''
    socket.setEncoding('latin1')
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server closed the connection')))
    socket.on('data', (chunk: string) => {
      reply += chunk
      if (!isWhole(reply)) return
      socket.removeAllListeners('close')
      socket.destroy()
      resolve(reply)
    })
    socket.write(`*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`)
  })
}

/** Whether a RESP2 reply has arrived in full. */
function isWhole(reply: string): boolean {
  const endOf = (at: number): number => {
    const lineEnd = reply.indexOf('\r\n', at)
    if (at < 0 || lineEnd < 0) return -1
    const size = Number(reply.slice(at + 1, lineEnd))
    if (reply[at] === '$') {
      const end = size < 0 ? lineEnd + 2 : lineEnd + 2 + size + 2
      return reply.length >= end ? end : -1
    }
    let end = lineEnd + 2
    for (let left = reply[at] === '*' ? size : 0; left > 0 && end >= 0; left--) end = endOf(end)
    return end
  }
  return endOf(0) >= 0
}

/** The texts of an array of bulk replies without line ends. */
const textsIn = (reply: string): string[] => reply.split('\r\n').filter((_, index) => index > 0 && index % 2 === 0)

/** The text of a bulk reply. */
export const bulk = (reply: string): string => reply.slice(reply.indexOf('\r\n') + 2, -2)

/** Waits until something holds; servers have 20 seconds. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + 20_000
  while (!(await Promise.resolve(holds()).catch?.(() => false))) {
    if (Date.now() > giveUpAt) throw new Error(`waited for 20 seconds in vain:\n${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
