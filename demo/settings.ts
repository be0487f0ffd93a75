/** What the environment may decide, checked before anything is opened. */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { hours, minutes, seconds } from 'sojourn'
import { StartError, systemCode } from './start-error.ts'
import { readStoreChoice, type StoreChoice } from './stores/choice.ts'

export interface Settings {
  /** Browsers reach the shop by HTTPS. */
  readonly isTls: boolean
  /** 0 lets the system choose one. */
  readonly port: number
  /** With HTTPS: where plain HTTP leads there. `isWanted`: somebody named it, so that the shop does not open without. */
  readonly redirect: { readonly port: number; readonly isWanted: boolean } | undefined
  /** The folder of everything the shop keeps. */
  readonly dataFolder: string
  /** `undefined`: a key of its own is kept in the data folder. */
  readonly sessionKeys: string | undefined
  readonly idleTimeout: number
  readonly absoluteTimeout: number
  readonly store: StoreChoice
  /** Longest use of a copy of a visit in milliseconds; 0 without a near cache. */
  readonly maxStaleness: number
}

export function readSettings(env: NodeJS.ProcessEnv, isTls = false): Settings {
  const store = readStoreChoice(env.STORE)
  return {
    isTls,
    port: readPort(env, 'PORT') ?? (isTls ? 3443 : 3000),
    redirect: isTls ? readRedirect(env) : undefined,
    dataFolder: prepareFolder(resolve(env.DEMO_DATA || '.data')),
    sessionKeys: env.SESSION_KEYS || undefined,
    idleTimeout: readSeconds(env, 'DEMO_IDLE_SECONDS') ?? minutes(30),
    absoluteTimeout: readSeconds(env, 'DEMO_ABSOLUTE_SECONDS') ?? hours(12),
    store,
    maxStaleness: readMaxStaleness(env.NEAR_CACHE, store),
  }
}

function readPort(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const given = env[name]
  if (given === undefined || given === '') return undefined
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given)
  throw new StartError(`${name} is not a port number; set it to a whole number from 0 to 65535, such as ${name}=3000.`)
}

/** Who chooses one port gets one port. */
function readRedirect(env: NodeJS.ProcessEnv): Settings['redirect'] {
  const port = readPort(env, 'HTTP_PORT')
  if (port !== undefined) return { port, isWanted: true }
  return readPort(env, 'PORT') === undefined ? { port: 3000, isWanted: false } : undefined
}

function readMaxStaleness(given: string | undefined, { kind }: StoreChoice): number {
  if (given === undefined || given === '' || given === '0') return 0
  if (given !== '1') throw new StartError('NEAR_CACHE is neither 1 nor 0; set it to 1 to keep copies of visits for 5 seconds.')
  if (kind.startsWith('redis') || kind === 'postgres') return seconds(5)
  throw new StartError(
    `NEAR_CACHE=1 needs a store that tells what other processes change, which ${kind} does not; leave it out, or set STORE to Redis or PostgreSQL.`,
  )
}

function readSeconds(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const given = env[name]
  if (given === undefined || given === '') return undefined
  if (!/^[1-9]\d{0,6}$/.test(given))
    throw new StartError(`${name} is not a number of seconds; set it to a whole one from 1, or leave it out.`)
  return seconds(Number(given))
}

function prepareFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return folder
  } catch (error) {
    throw new StartError(
      `The data folder ${folder} cannot be written (${systemCode(error)}); name one that can: DEMO_DATA=/path/to/folder npm start.`,
    )
  }
}
