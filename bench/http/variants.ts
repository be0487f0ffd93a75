/** What is measured over HTTP, and what is compared with what. */
import { betterAuth } from '../peers/better-auth.ts'
import { expressSessionMemory, expressSessionPostgres, expressSessionRedis } from '../peers/express-session.ts'
import { bareFastify, fastifySecureSession, fastifySessionRedis } from '../peers/fastify.ts'
import { ironSessionOnExpress, ironSessionOnNode } from '../peers/iron-session.ts'
import { bareKoa, koaSessionCookie, koaSessionRedis } from '../peers/koa-session.ts'
import { SESSIONS } from '../sample.ts'
import { bareExpress, bareNode } from './bare.ts'
import { floorCookie, floorIoredis, floorMap, floorMemcached, floorNodeRedis, floorPostgres, floorSqlite } from './floors.ts'
import { PROTECTIONS } from './protections.ts'
import { type StoreName, sojournOnExpress, sojournOnFastify, sojournOnNode } from './sojourn.ts'
import type { Group, Variant } from './variant.ts'

const LOCAL: readonly Group[] = ['local']
const DISTRIBUTED: readonly Group[] = ['distributed']
const BOTH: readonly Group[] = ['local', 'distributed']

/** Names that comparisons and goals refer to. */
export const FLOOR = {
  map: 'node:http + floor: opaque token, Map',
  sqlite: 'node:http + floor: opaque token, SQLite',
  ioredis: 'node:http + floor: opaque token, ioredis GET',
  nodeRedis: 'node:http + floor: opaque token, node-redis GET',
  postgres: 'node:http + floor: opaque token, pg named statement',
  memcached: 'node:http + floor: opaque token, memjs get',
  cookie: 'node:http + floor: AES-256-GCM cookie',
} as const

export const PEER = {
  expressMemory: 'express + express-session MemoryStore',
  expressRedis: 'express + express-session, connect-redis',
  expressRedisNoTouch: 'express + express-session, connect-redis disableTouch',
  expressPostgres: 'express + express-session, connect-pg-simple',
  expressPostgresNoTouch: 'express + express-session, connect-pg-simple disableTouch',
  ironNode: 'node:http + iron-session',
  ironExpress: 'express + iron-session',
  betterAuthSqlite: 'node:http + better-auth sqlite',
  betterAuthCookie: 'node:http + better-auth cookie cache',
  fastifyRedis: 'fastify + @fastify/session, Redis',
  fastifyRedisNoRolling: 'fastify + @fastify/session, Redis rolling: false',
  fastifySecure: 'fastify + @fastify/secure-session',
  koaCookie: 'koa + koa-session cookie, signed only',
  koaRedis: 'koa + koa-session, Redis',
} as const

const EXPRESS_REDIS = [PEER.expressRedis, PEER.expressRedisNoTouch]
const EXPRESS_POSTGRES = [PEER.expressPostgres, PEER.expressPostgresNoTouch]
const FASTIFY_REDIS = [PEER.fastifyRedis, PEER.fastifyRedisNoRolling]
export const ANY_REDIS = [...EXPRESS_REDIS, ...FASTIFY_REDIS, PEER.koaRedis]
const ANY_SEALED_COOKIE = [PEER.ironNode, PEER.ironExpress, PEER.fastifySecure]

/** How a sojourn row is read: the subject alone, the data too, or the subject of more sessions than core remembers the records of. */
export const READINGS = {
  subject: { suffix: '', options: { isDataRead: false } },
  data: { suffix: ', data read', options: { isDataRead: true } },
  crowd: { suffix: ', 10,000 sessions', options: { isDataRead: false, count: 10 * SESSIONS } },
} as const
export type Reading = keyof typeof READINGS

/** A sojourn row by store and framework. */
export const sojournName = (bare: SojournOn, store: StoreName, reading: Reading) =>
  `${bare} + sojourn ${store}${READINGS[reading].suffix}`

const ON = { 'node:http': sojournOnNode, express: sojournOnExpress, fastify: sojournOnFastify }
export type SojournOn = keyof typeof ON

type Comparison = Pick<Variant, 'groups' | 'engines' | 'floor' | 'peers'>

function sojourn(bare: SojournOn, store: StoreName, comparison: Comparison, readings = SUBJECT_AND_DATA): Variant[] {
  return readings.map((reading) => ({
    name: sojournName(bare, store, reading),
    bare,
    kind: 'sojourn',
    needsPeers: bare === 'fastify',
    ...comparison,
    prepare: ON[bare](store, READINGS[reading].options),
  }))
}

const SUBJECT_AND_DATA: readonly Reading[] = ['subject', 'data']
const ALL_READINGS: readonly Reading[] = ['subject', 'data', 'crowd']

const floor = (name: string, rest: Comparison & Pick<Variant, 'prepare'>): Variant => ({
  name,
  bare: 'node:http',
  kind: 'floor',
  ...rest,
})

const peer = (name: string, rest: Pick<Variant, 'engines' | 'prepare'>): Variant => ({
  name,
  bare: name.slice(0, name.indexOf(' ')),
  kind: 'peer',
  groups: DISTRIBUTED,
  needsPeers: true,
  ...rest,
})

const memory = { groups: LOCAL, floor: FLOOR.map, peers: [PEER.expressMemory] }
const sqlite = { groups: LOCAL, floor: FLOOR.sqlite, peers: [PEER.expressMemory] }
const redis = { groups: DISTRIBUTED, engines: ['redis'], peers: ANY_REDIS } as const
const postgres = { groups: DISTRIBUTED, engines: ['postgres'], floor: FLOOR.postgres, peers: EXPRESS_POSTGRES } as const
const memcached = { groups: DISTRIBUTED, engines: ['memcached'], floor: FLOOR.memcached } as const
const cookie = { groups: DISTRIBUTED, floor: FLOOR.cookie, peers: ANY_SEALED_COOKIE }
const nearCache = { ...redis, floor: FLOOR.map }

export const VARIANTS: readonly Variant[] = [
  { name: 'node:http', bare: 'node:http', kind: 'bare', groups: BOTH, prepare: bareNode },
  floor(FLOOR.map, { groups: BOTH, peers: [PEER.expressMemory], prepare: floorMap }),
  ...sojourn('node:http', 'memory', memory, ALL_READINGS),
  floor(FLOOR.sqlite, { groups: BOTH, peers: [PEER.expressMemory], prepare: floorSqlite }),
  // better-auth is compared with these.
  ...sojourn('node:http', 'sqlite', { ...sqlite, groups: BOTH, peers: [PEER.expressMemory, PEER.betterAuthSqlite] }),
  ...sojourn('node:http', 'sqlite', sqlite, ['crowd']),
  peer(PEER.betterAuthSqlite, { prepare: betterAuth({ cookieCache: false }) }),

  floor(FLOOR.ioredis, { ...redis, prepare: floorIoredis }),
  ...sojourn('node:http', 'redis, ioredis', { ...redis, floor: FLOOR.ioredis }, ALL_READINGS),
  floor(FLOOR.nodeRedis, { ...redis, prepare: floorNodeRedis }),
  ...sojourn('node:http', 'redis, node-redis', { ...redis, floor: FLOOR.nodeRedis }),
  ...sojourn('node:http', 'near cache, redis', nearCache, ALL_READINGS),
  floor(FLOOR.postgres, { ...postgres, prepare: floorPostgres }),
  ...sojourn('node:http', 'postgres', postgres),
  floor(FLOOR.memcached, { ...memcached, prepare: floorMemcached }),
  ...sojourn('node:http', 'memcached', memcached),
  floor(FLOOR.cookie, { ...cookie, prepare: floorCookie }),
  ...sojourn('node:http', 'cookie', { ...cookie, peers: [...ANY_SEALED_COOKIE, PEER.betterAuthCookie] }, ALL_READINGS),
  ...sojourn('node:http', 'cookie, ledger in redis', { ...cookie, engines: ['redis'] }),
  peer(PEER.ironNode, { prepare: ironSessionOnNode }),
  peer(PEER.betterAuthCookie, { prepare: betterAuth({ cookieCache: true }) }),

  { name: 'express', bare: 'express', kind: 'bare', groups: BOTH, prepare: bareExpress },
  { ...peer(PEER.expressMemory, { prepare: expressSessionMemory }), groups: LOCAL, needsPeers: false },
  ...sojourn('express', 'memory', memory),
  ...sojourn('express', 'sqlite', sqlite),
  peer(PEER.expressRedis, { engines: ['redis'], prepare: expressSessionRedis({ disableTouch: false }) }),
  peer(PEER.expressRedisNoTouch, { engines: ['redis'], prepare: expressSessionRedis({ disableTouch: true }) }),
  ...sojourn('express', 'redis, node-redis', { ...redis, floor: FLOOR.nodeRedis, peers: EXPRESS_REDIS }),
  ...sojourn('express', 'near cache, redis', { ...nearCache, peers: EXPRESS_REDIS }),
  peer(PEER.expressPostgres, { engines: ['postgres'], prepare: expressSessionPostgres({ disableTouch: false }) }),
  peer(PEER.expressPostgresNoTouch, { engines: ['postgres'], prepare: expressSessionPostgres({ disableTouch: true }) }),
  ...sojourn('express', 'postgres', postgres),
  peer(PEER.ironExpress, { prepare: ironSessionOnExpress }),
  ...sojourn('express', 'cookie', { ...cookie, peers: [PEER.ironExpress] }),

  { name: 'fastify', bare: 'fastify', kind: 'bare', groups: DISTRIBUTED, needsPeers: true, prepare: bareFastify },
  peer(PEER.fastifyRedis, { engines: ['redis'], prepare: fastifySessionRedis(true) }),
  peer(PEER.fastifyRedisNoRolling, { engines: ['redis'], prepare: fastifySessionRedis(false) }),
  ...sojourn('fastify', 'redis, node-redis', { ...redis, floor: FLOOR.nodeRedis, peers: FASTIFY_REDIS }),
  peer(PEER.fastifySecure, { prepare: fastifySecureSession }),
  ...sojourn('fastify', 'cookie', { ...cookie, peers: [PEER.fastifySecure] }, ALL_READINGS),

  { name: 'koa', bare: 'koa', kind: 'bare', groups: DISTRIBUTED, needsPeers: true, prepare: bareKoa },
  peer(PEER.koaCookie, { prepare: koaSessionCookie }),
  peer(PEER.koaRedis, { engines: ['redis'], prepare: koaSessionRedis }),

  ...PROTECTIONS,
]

/** A variant by its whole name. */
export function variantNamed(name: string): Variant | undefined {
  return VARIANTS.find((variant) => variant.name === name)
}
