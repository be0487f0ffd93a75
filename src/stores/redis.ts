import { ConfigError } from '../core/errors.ts'
import type { Store, StoreCapabilities } from '../core/store.ts'
import { Engine } from './redis/engine.ts'
import { type IoredisClient, IoredisPort } from './redis/ioredis.ts'
import { Keys } from './redis/keys.ts'
import { type NodeRedisClient, NodeRedisPort } from './redis/node-redis.ts'
import type { Port, Replication } from './redis/port.ts'
import { RedisStore } from './redis/store.ts'

/** A client that `redisStore` takes: of ioredis a `Redis` or `Cluster`; of node-redis (5 or later) a client, cluster or sentinel. */
export type RedisClient = IoredisClient | NodeRedisClient

/** Options of `redisStore`. */
export interface RedisStoreOptions {
  /**
   * What the names of all keys and channels begin with. Default `'sjn'`; 1 to 64 characters, no braces, blanks or control characters.
   *
   * Two sites on one Redis need different ones: with the same, whoever signs in on one site is looked up on the other.
   * A key prefix set on the client is refused, since scripts and channels would not follow it.
   */
  readonly prefix?: string
  /**
   * How many replicas must have a write before it is acknowledged. Default 0; at most 8. It covers records, revocations, and the ledger's
   * claims and values.
   *
   * With 0, a failover loses what was acknowledged moments before: a person is signed out, or an ended session lives again. With 1 or more
   * it loses nothing, provided that one of these replicas is promoted. Writes then take a round trip to the replica longer, go over a
   * connection of their own, and reject with `ERR_STORE_UNAVAILABLE` while too few replicas are there.
   */
  readonly replicas?: number
  /**
   * Longest wait for the replicas, in milliseconds. Default 500; 10 to 10,000. Keep it under `storeTimeout`, so that callers hear why.
   */
  readonly replicaTimeout?: number
  /**
   * Whether you run Redis with `appendonly yes` and `appendfsync always`, so that what it acknowledged survives power loss.
   * Default `false`. It changes nothing but `capabilities.durableRevocation`: said without need, a policy that must have it is let through,
   * and a power cut brings ended sessions back.
   */
  readonly isDurable?: boolean
  /**
   * Whether every process is told of every change, which `nearCache` needs. Default `true`.
   *
   * On one server that costs next to nothing. In a Cluster it is one more command a write; turn it off, in all processes, in a large one
   * without near caches. Where some processes tell and others do not, a near cache serves sessions that were ended for up to its lease.
   */
  readonly tellsChanges?: boolean
}

const DEFAULT_PREFIX = 'sjn'
const MOST_REPLICAS = 8
const DEFAULT_REPLICA_TIMEOUT = 500

/**
 * Keeps sessions in Redis (6.2 or later) or Valkey: on one server, behind Sentinel, or in a Cluster.
 *
 * Use it when a site outgrows one machine. Reads are one `GET`, writes one script; keys expire by themselves. The client is yours: it is
 * neither configured nor closed. Listening (channel, near cache) and waiting for replicas open connections of their own, which
 * `close()` closes.
 *
 * @param client - A ready client: of ioredis a `Redis` or `Cluster`; of node-redis 5 or later what `createClient`, `createCluster` or
 *   `createSentinel` made, connected. See docs/stores/redis.md for the options it should have.
 * @param options.prefix - What keys begin with; default `'sjn'`.
 * @param options.replicas - Replicas that must have a write before it is acknowledged; default 0.
 * @param options.replicaTimeout - Longest wait for them in milliseconds; default 500.
 * @param options.isDurable - Whether Redis flushes every write to disk; default `false`.
 * @param options.tellsChanges - Whether near caches are told of changes; default `true`.
 * @returns A store. Its calls reject with `ERR_STORE_UNAVAILABLE` when Redis or the way there fails, with `ERR_STORE_FULL` when it is out
 *   of memory and with `ERR_STORE_UNREADABLE` when a key holds something else.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - the client is of another kind, reads from replicas or has a key prefix; or an option is out
 *   of range.
 * @example
 * const sessions = createSessions({ store: redisStore(new Redis(process.env.REDIS_URL)), keys: process.env.SESSION_KEYS })
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): Store {
  const { prefix = DEFAULT_PREFIX, replicas = 0, replicaTimeout = DEFAULT_REPLICA_TIMEOUT } = options
  const { isDurable = false, tellsChanges = true } = options
  if (typeof prefix !== 'string' || !/^[^\s{}\p{Cc}]{1,64}$/u.test(prefix)) {
    throw invalid(
      `prefix must be 1 to 64 characters without braces, blanks or control characters; braces decide where Redis keeps a key`,
    )
  }
  checkWhole('replicas', replicas, 0, MOST_REPLICAS)
  checkWhole('replicaTimeout', replicaTimeout, 10, 10_000)
  const engine = new Engine(portOf(client, { replicas, timeout: replicaTimeout }), replicas)
  const capabilities: StoreCapabilities = {
    listsSubjects: true,
    revokesSubjects: true,
    limitsSubjects: true,
    revokesLinked: true,
    durableRevocation: isDurable,
    isLocal: false,
    purgesItself: true,
    cautions: [
      ...(replicas === 0
        ? ['A failover may lose what was acknowledged moments before, revocations included: `replicas` is 0.']
        : []),
      'Sessions are lost, and ending all of a subject may miss some, if Redis evicts keys: `maxmemory-policy` must be `noeviction`.',
    ],
  }
  return new RedisStore(engine, new Keys(prefix), capabilities, tellsChanges)
}

function portOf(client: unknown, replication: Replication): Port {
  if (isObject(client)) {
    if (has(client, 'getBuffer', 'callBuffer', 'pipeline', 'duplicate')) {
      checkIoredisOptions(client)
      return new IoredisPort(client as unknown as IoredisClient, replication)
    }
    if (has(client, 'sendCommand', 'multi', 'duplicate') && (has(client, 'withTypeMapping') || has(client, 'acquire'))) {
      return new NodeRedisPort(client as unknown as NodeRedisClient, replication)
    }
    if (has(client, 'sendCommand')) throw invalid('client is of node-redis before version 5, which cannot give bytes; update it')
  }
  const given = client == null ? String(client) : isObject(client) ? 'another object' : `a ${typeof client}`
  throw invalid(
    `client must be a ready client, not an address: of ioredis a Redis or Cluster, or of node-redis 5 or later what createClient, createCluster or createSentinel made; it is ${given}`,
  )
}

/** What an attacker gains by a read from a replica: a session that was ended a moment ago. */
function checkIoredisOptions(client: Record<string, unknown>): void {
  const options: Record<string, unknown> = isObject(client.options) ? client.options : {}
  const ofNodes: Record<string, unknown> = isObject(options.redisOptions) ? options.redisOptions : {}
  if (options.keyPrefix || ofNodes.keyPrefix) {
    throw invalid(
      `client has a keyPrefix, which scripts and channels would not follow; use the option prefix of redisStore instead`,
    )
  }
  const readsReplicas = (options.scaleReads !== undefined && options.scaleReads !== 'master') || options.role === 'slave'
  if (readsReplicas || options.readOnly === true) {
    throw invalid(
      'client reads from replicas, which lag behind: a session that was ended would go on there; read from the primary',
    )
  }
}

function checkWhole(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return
  throw invalid(`${name} must be a whole number from ${least} to ${most}; it is ${String(value)}`)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const has = (client: Record<string, unknown>, ...methods: string[]) => methods.every((name) => typeof client[name] === 'function')

function invalid(problem: string): ConfigError {
  return new ConfigError(`redisStore: ${problem}. See docs/stores/redis.md.`, { code: 'ERR_CONFIG_INVALID' })
}
