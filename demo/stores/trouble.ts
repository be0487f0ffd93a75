/**
 * Why a store's server is of no use at start, in one sentence: what was tried, what came of it, what to do. Of the client's own words only
 * those listed here are repeated: the rest may quote an address with its password.
 */
import { isSojournError } from 'sojourn'
import { StartError } from '../start-error.ts'
import { addressesOf, type ServerChoice, type ServerKind } from './choice.ts'

interface Server {
  readonly name: string
  /** The service in `compose.yaml`, and the package in Debian. */
  readonly service: string
  readonly debianPackage: string
}

const SERVERS: Readonly<Record<ServerKind, Server>> = {
  redis: { name: 'Redis', service: 'redis', debianPackage: 'redis-server' },
  'redis-sentinel': { name: 'Redis with Sentinel', service: 'redis-sentinel', debianPackage: 'redis-sentinel' },
  'redis-cluster': { name: 'Redis Cluster', service: 'redis-cluster', debianPackage: 'redis-server' },
  postgres: { name: 'PostgreSQL', service: 'postgres', debianPackage: 'postgresql' },
  memcached: { name: 'memcached', service: 'memcached', debianPackage: 'memcached' },
}

/** Imports a client's package, which only those need who choose its store. */
export async function importClient<T>(packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new StartError(
      `The store that STORE names needs the package ${packageName}, which is not installed; run \`npm install ${packageName}\` first.`,
    )
  }
}

/** What to tell whoever starts the shop. */
export function startErrorFor(choice: ServerChoice, error: unknown): StartError {
  if (error instanceof StartError) return error
  const { name, service, debianPackage } = SERVERS[choice.kind]
  const where = `${name} at ${addressesOf(choice)}`
  // Sojourn's own sentences hold no secret; but its word for an outage says less than the client's code.
  if (isSojournError(error) && error.code !== 'ERR_STORE_UNAVAILABLE') return new StartError(`${where}: ${error.message}`)
  const chain = causes(error)
  for (const [words, advice] of ADVICE) {
    const found = chain.map(({ message, code = '' }) => words.exec(`${code} ${message}`)?.[0]).find(Boolean)
    if (found !== undefined) return new StartError(`${where} ${advice} (${found}).`)
  }
  const code = chain.map((part) => part.code).find((part) => part !== undefined && !part.startsWith('ERR_'))
  return new StartError(
    `${where} does not answer${code === undefined ? '' : ` (${code})`}; start it with \`docker compose up -d ${service}\` or install Debian's package ${debianPackage}, or set STORE to where it is.`,
  )
}

/** By the servers' own words: codes where they have some. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/WRONGPASS|28P01/, 'refuses the name and password; correct them in STORE'],
  [/NOAUTH/, 'wants a password; put it into STORE, as in redis://:password@localhost:6379'],
  [/NOPERM/, 'does not let this user do what the shop needs; give it the rights, or name another user in STORE'],
  [/LOADING|57P03/, 'is not ready yet; try again in a moment'],
  [/MOVED/, 'is a node of a Cluster; begin STORE with redis-cluster: instead of redis:'],
  [/cluster support disabled/, 'is no Cluster; begin STORE with redis: instead of redis-cluster:'],
  [/CLUSTERDOWN/, 'is a Cluster that is not complete; wait until it is, or mend it'],
  [/DB index is out of range/, 'has no database of that number; leave the number in STORE out'],
  [/READONLY|25006/, 'is a replica; set STORE to the primary, or to its Sentinels'],
  [/No such master with that name/, 'knows no primary of that name; end STORE with the name that the Sentinels call it by'],
  [/unknown command 'sentinel'/, 'is no Sentinel; set STORE to one, or begin it with redis: instead of redis+sentinel:'],
  [/28000/, 'does not let this user in; correct the name in STORE, or pg_hba.conf on the server'],
  [/3D000/, 'has no such database; create it with `createdb`, or name another one in STORE'],
  [/42501/, 'does not let this user create the tables; give it the right, or name another user in STORE'],
  [/53300/, 'has no connection left; close some, or raise max_connections'],
  [/does not support SSL/, 'does not encrypt; leave sslmode in STORE out, or switch SSL on in the server'],
]

interface Cause {
  readonly message: string
  readonly code: string | undefined
}

/** The error, its causes, and the errors it sums up. */
function causes(error: unknown, depth = 0): Cause[] {
  if (!(error instanceof Error) || depth > 5) return []
  const inside = [
    error.cause,
    ...(error instanceof AggregateError ? error.errors : []),
    'lastNodeError' in error ? error.lastNodeError : undefined,
  ]
  return [{ message: error.message, code: codeOf(error) }, ...inside.flatMap((cause) => causes(cause, depth + 1))]
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
