/** `STORE`: where visits are kept. Understood here, opened by `open.ts`. */
import { StartError } from '../start-error.ts'

/** What runs in this process, and what has servers. */
export type LocalKind = 'sqlite' | 'memory' | 'cookie'
export type ServerKind = 'redis' | 'redis-sentinel' | 'redis-cluster' | 'postgres' | 'memcached'

export interface LocalChoice {
  readonly kind: LocalKind
}

export interface ServerChoice {
  readonly kind: ServerKind
  readonly servers: readonly Address[]
  readonly isEncrypted: boolean
  readonly username: string | undefined
  readonly secretPassword: string | undefined
  /** What follows the servers: a database, or the name that Sentinels know a primary by. */
  readonly path: string
  /** The whole value, password included, for a client that reads addresses itself. */
  readonly secretUrl: string
}

export type StoreChoice = LocalChoice | ServerChoice

export interface Address {
  readonly host: string
  readonly port: number
}

interface Scheme {
  readonly kind: ServerKind
  readonly port: number
  /** What may follow the servers. */
  readonly path: RegExp
  readonly isEncrypted?: boolean
  readonly takesMany?: boolean
  readonly takesOptions?: boolean
}

const REDIS: Scheme = { kind: 'redis', port: 6379, path: /^(?:\d{1,4})?$/ }
const POSTGRES: Scheme = { kind: 'postgres', port: 5432, path: /^[^/]{0,63}$/, takesOptions: true }

const SCHEMES: Readonly<Record<string, Scheme>> = {
  redis: REDIS,
  rediss: { ...REDIS, isEncrypted: true },
  'redis+sentinel': { kind: 'redis-sentinel', port: 26_379, path: /^[\w.-]{1,100}$/, takesMany: true },
  'redis-cluster': { kind: 'redis-cluster', port: 6379, path: /^$/, takesMany: true },
  postgres: POSTGRES,
  postgresql: POSTGRES,
  memcached: { kind: 'memcached', port: 11_211, path: /^$/, takesMany: true },
}

const EXAMPLES: Readonly<Record<ServerKind, string>> = {
  redis: 'redis://localhost:6379',
  'redis-sentinel': 'redis+sentinel://localhost:26379,localhost:26380/sojourn',
  'redis-cluster': 'redis-cluster://localhost:7000,localhost:7001',
  postgres: 'postgres://sojourn:sojourn@localhost:5432/sojourn',
  memcached: 'memcached://localhost:11211',
}

const SHAPE =
  /^(?<scheme>[a-z][a-z+-]*):\/\/(?:(?<credentials>[^@/?#]*)@)?(?<servers>[^@/?#]+)(?:\/(?<path>[^@?#]*))?(?<options>\?[^@#]*)?$/i

/** @throws {StartError} with what was given, never with a password that may be in it. */
export function readStoreChoice(given: string | undefined): StoreChoice {
  if (given === undefined || given === '') return { kind: 'sqlite' }
  if (given === 'sqlite' || given === 'memory' || given === 'cookie') return { kind: given }
  const schemeName = /^([a-z][a-z+-]*):/i.exec(given)?.[1] ?? ''
  const scheme = Object.hasOwn(SCHEMES, schemeName) ? SCHEMES[schemeName] : undefined
  if (scheme === undefined) throw unknown(given, schemeName)

  const { credentials, servers: serverList, path = '', options } = SHAPE.exec(given)?.groups ?? {}
  const servers = serverList?.split(',').map((text) => addressFrom(text, scheme.port)) ?? []
  const isUnderstood =
    servers.length > 0 && (servers.length === 1 || scheme.takesMany === true) && servers.every((server) => server !== undefined)
  const [username, secretPassword] = credentialsFrom(credentials) ?? []
  const isRight = isUnderstood && scheme.path.test(path) && (options === undefined || scheme.takesOptions === true)
  if (!isRight || username === undefined) throw malformed(schemeName, scheme)
  return {
    kind: scheme.kind,
    servers,
    isEncrypted: scheme.isEncrypted === true,
    username: username || undefined,
    secretPassword: secretPassword || undefined,
    path,
    secretUrl: given,
  }
}

/** `localhost:6379`, or several of these. Neither names nor passwords. */
export function addressesOf({ servers }: ServerChoice): string {
  return servers.map(addressOf).join(',')
}

export function addressOf({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function addressFrom(text: string, defaultPort: number): Address | undefined {
  const found = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text)
  const host = found?.[1] ?? found?.[2]
  const port = found?.[3] === undefined ? defaultPort : Number(found[3])
  return host !== undefined && port > 0 && port < 65_536 ? { host, port } : undefined
}

function credentialsFrom(text = ''): [username: string, secretPassword: string] | undefined {
  const colon = text.indexOf(':')
  const [name, secret] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
  try {
    return [decodeURIComponent(name), decodeURIComponent(secret)]
  } catch {
    return undefined
  }
}

/** Repeats what cannot be a password: one plain word, or the part before the colon. */
function unknown(given: string, schemeName: string): StartError {
  const isPlainWord = /^[a-z]{1,12}$/i.test(given)
  const what =
    schemeName !== '' ? ` begins with "${schemeName}:", which` : isPlainWord ? ` is "${given}", which` : ' has a value that'
  return new StartError(
    `STORE${what} is none the shop knows; set it to sqlite, memory or cookie, or to an address such as ${EXAMPLES.redis}, ${EXAMPLES.postgres} or ${EXAMPLES.memcached}.`,
  )
}

function malformed(schemeName: string, { kind }: Scheme): StartError {
  return new StartError(
    `STORE begins with "${schemeName}:", but the rest of it (not repeated here, for there may be a password in it) is no address the shop understands; write it like ${EXAMPLES[kind]}, with special characters of a password percent-encoded.`,
  )
}
