/**
 * The log: every event as a line, for any logger shaped like pino's. Events hold no token, no cookie and no address, so there is nothing to redact; what an attacker
 * may have chosen, a subject say, cannot end a line or steer a terminal (ASVS 5.0, 16.4.1).
 */
import { minutes, seconds } from '../core/duration.ts'
import { ConfigError } from '../core/errors.ts'
import type { EventType, SojournEvent } from '../core/events.ts'
import { serviceOf } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import { catalogue, type Level, levelOf, rowOf, sentenceOf } from './catalogue.ts'
import { harmless } from './logger/harmless.ts'

/** A logger of pino's shape: an object first, then words. `console` is not one: it would print the object for people. */
export interface Logger {
  info(fields: object, message: string): unknown
  warn(fields: object, message: string): unknown
  error(fields: object, message: string): unknown
}

/** Options of `logEvents`. */
export interface LogOptions {
  /** Least level that is logged. Default `info`: everything. `session.rotated` and the like are a line for each session every few minutes. */
  readonly least?: Level
  /** Events that are not logged, such as `['access-token.minted']`. Default none. What is left out here is missed when something is looked into. */
  readonly except?: readonly EventType[]
  /**
   * Most lines a second. Default 1,000; 1 to 100,000. More are counted, by level, and the count is a line: whoever can cause events at will fills no disk. Those of level
   * `critical` have as many again.
   */
  readonly mostPerSecond?: number
}

const METHODS: Readonly<Record<Level, keyof Logger>> = { info: 'info', warn: 'warn', critical: 'error' }
const RANKS: Readonly<Record<Level, number>> = { info: 0, warn: 1, critical: 2 }
const KNOWN: ReadonlySet<string> = new Set(['least', 'except', 'mostPerSecond'] satisfies (keyof LogOptions)[])
const MOST = 100_000

/**
 * Writes each event to a logger: `info`, `warn`, and `error` for what wants somebody to look. The object has the event's fields, its name in OWASP's logging vocabulary
 * (`owasp`) and its category; the message is a sentence without names.
 *
 * @param sessions - What `createSessions` gave.
 * @param logger - Pino, or anything of its shape: `info`, `warn` and `error`, each with `(object, message)`. One that throws loses the line, which `events.failed` counts.
 * @returns A function that stops it.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: what was given, what was expected, why.
 * @see ASVS 5.0, 16.2.1, 16.2.5 and 16.4.1; OWASP Logging Vocabulary Cheat Sheet
 * @example
 * logEvents(sessions, pino())
 */
export function logEvents<Data>(sessions: Sessions<Data>, logger: Logger, options: LogOptions = {}): () => void {
  const { events, config } = serviceOf(sessions)
  const { least, except, mostPerSecond } = resolve(logger, options)
  const { clock } = config
  let second = 0
  let lines = 0
  let critical = 0
  let skipped = 0
  let since = 0

  /** Whether there is room for one more line in this second. */
  function hasRoom(level: Level): boolean {
    const now = Math.floor(clock() / seconds(1))
    if (now !== second) {
      second = now
      lines = 0
      critical = 0
    }
    return (level === 'critical' ? ++critical : ++lines) <= mostPerSecond
  }

  function tellSkipped(): void {
    if (skipped === 0 || lines >= mostPerSecond) return
    const fields = { type: 'log.skipped', at: clock(), count: skipped, since }
    skipped = 0
    logger.warn(fields, 'There were more events than lines are written; these are not in the log.')
  }

  const log = (event: SojournEvent): void => {
    const level = levelOf(event)
    if (RANKS[level] < RANKS[least] || except.has(event.type)) return
    if (!hasRoom(level)) {
      if (skipped++ === 0) since = event.at
      return
    }
    tellSkipped()
    const { owasp, category } = rowOf(event)
    const fields = harmless({ ...event, owasp: owasp[0], category }) as object
    logger[METHODS[level]](fields, harmless(sentenceOf(event)) as string)
  }
  const stop = events.on('*', log)
  // What was skipped last is told although nothing comes any more.
  const timer = setInterval(() => tellSkipped(), minutes(1)).unref()
  return () => {
    clearInterval(timer)
    stop()
  }
}

type Settings = Required<Omit<LogOptions, 'except'>> & { readonly except: ReadonlySet<EventType> }

function resolve(logger: unknown, options: LogOptions): Settings {
  const isLogger = typeof logger === 'object' && logger !== null
  for (const method of Object.values(METHODS))
    if (!isLogger || typeof (logger as Record<string, unknown>)[method] !== 'function')
      throw invalid('the logger has no such method as info, warn and error', 'one of pino’s shape')
  if (typeof options !== 'object' || options === null || !Object.keys(options).every((key) => KNOWN.has(key)))
    throw invalid('there is an option it does not have', [...KNOWN].join(', '))
  const { least = 'info', except = [], mostPerSecond = 1000 } = options
  if (!Object.hasOwn(RANKS, least)) throw invalid('least is no level', "'info', 'warn' or 'critical'")
  if (!Array.isArray(except) || !except.every((type) => typeof type === 'string' && Object.hasOwn(catalogue, type)))
    throw invalid('except names an event that there is not', 'types such as session.rotated')
  if (!Number.isSafeInteger(mostPerSecond) || mostPerSecond < 1 || mostPerSecond > MOST)
    throw invalid('mostPerSecond is out of bounds', `a whole number from 1 to ${MOST}`)
  return { least, except: new Set(except), mostPerSecond }
}

function invalid(given: string, expected: string): ConfigError {
  return new ConfigError(
    `logEvents: ${given}; expected ${expected}. What is not logged cannot be looked into. See docs/guide/metrics.md.`,
    {
      code: 'ERR_CONFIG_INVALID',
    },
  )
}
