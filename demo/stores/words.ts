/** What the shop says of its store, to visitors and to whoever starts it. */
import { duration } from '../words.ts'
import { addressesOf, type StoreChoice } from './choice.ts'
import type { ShopStore } from './open.ts'

type Kind = StoreChoice['kind']

const KEPT_IN: Readonly<Record<Kind, string>> = {
  sqlite: 'SQLite',
  memory: 'this process’s memory',
  cookie: 'your own cookie',
  redis: 'Redis',
  'redis-sentinel': 'Redis with Sentinel',
  'redis-cluster': 'Redis Cluster',
  postgres: 'PostgreSQL',
  memcached: 'memcached',
}

const SHARED = 'Several shops can share it: signed out in one is signed out in all.'

const WHAT_IT_MEANS: Readonly<Record<Kind, string>> = {
  sqlite: 'One file on this machine. It survives a restart of the shop, and a power cut.',
  memory: 'When the shop closes, everybody is signed out.',
  cookie: 'We keep only a list of visits that were ended, so that a copy of one of their cookies is worth nothing.',
  redis: `${SHARED} If Redis keeps nothing on disk, everybody is signed out when it restarts.`,
  'redis-sentinel': `${SHARED} When the primary dies, a replica takes its place within seconds.`,
  'redis-cluster': `${SHARED} Each visitor’s visits are together on one of its nodes.`,
  postgres: `${SHARED} It survives restarts and power cuts.`,
  memcached: `${SHARED} It forgets when it restarts or runs out of room; then everybody, or somebody, is signed out.`,
}

/** For the end of a sentence: `Redis`. */
export function keptIn({ choice }: ShopStore): string {
  return KEPT_IN[choice.kind]
}

export function whatItMeans({ choice }: ShopStore): string {
  return WHAT_IT_MEANS[choice.kind]
}

/** For the page, and the answer, that would list a person's devices. */
export function cannotList({ choice }: ShopStore): string {
  const why = choice.kind === 'cookie' ? 'Each visit is kept in its own browser' : `${KEPT_IN[choice.kind]} keeps no list of them`
  return `${why}, so the shop cannot show your other devices. It can sign them out.`
}

/** For the terminal: `Redis at localhost:6379, copies here for 5 seconds`. */
export function placeOf({ choice, maxStaleness }: ShopStore): string {
  const kept = choice.kind === 'cookie' ? 'the visitors’ cookies' : KEPT_IN[choice.kind]
  const where = 'servers' in choice ? ` at ${addressesOf(choice)}` : ''
  return `${kept}${where}${maxStaleness > 0 ? `, with copies here for ${duration(maxStaleness)}` : ''}`
}
