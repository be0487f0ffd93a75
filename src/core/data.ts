/** Session data: typed by a Standard Schema, validated on read and on write, versioned, and sealed only by core. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ConfigError, SessionDataError } from './errors.ts'
import { type JsonObject, toJson } from './patch.ts'

export type { StandardSchemaV1 } from '@standard-schema/spec'

/** What reading stored data gives. `unreadable` data ends the session; `newer` data belongs to a later release of the application. */
export type DataReading = { kind: 'data'; data: JsonObject; text: string } | { kind: 'unreadable' } | { kind: 'newer' }

/** The codec of one `createSessions`. */
export interface DataCodec {
  /** A fresh copy of what a session without data has: the schema's own defaults. */
  readonly initial: () => JsonObject
  /** Checks data against the schema and gives it as plain JSON. */
  readonly validate: (data: unknown) => JsonObject
  /** Serialises validated data with its version. */
  readonly encode: (data: JsonObject) => Buffer
  /** Reads what `encode` wrote, migrates and validates it. Never throws. `text` is the stored JSON, for cheap comparison. */
  readonly decode: (plaintext: Buffer) => DataReading
}

const READ_MORE = 'See docs/guide/data.md.'

/**
 * Builds the codec and tries the schema once, so that an unfit one fails at start-up and not at the first visitor.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - no Standard Schema, an asynchronous one, or one that refuses `{}`: every new session starts from it.
 */
export function createDataCodec(options: {
  data?: StandardSchemaV1 | undefined
  dataVersion?: number | undefined
  migrate?: ((data: unknown, fromVersion: number) => unknown) | undefined
  maxDataBytes: number
}): DataCodec {
  const { data: schema, dataVersion = 1, migrate, maxDataBytes } = options
  if (!Number.isSafeInteger(dataVersion) || dataVersion < 1) throw invalid('dataVersion is not a whole number from 1')
  if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
    throw invalid('data is not a Standard Schema; expected one of zod, valibot, arktype or any other that has "~standard"')
  }

  /** What the schema makes of it. A value that came out of stored JSON needs no second look; one that came from a handler does. */
  function shaped(data: unknown): unknown {
    const result = schema === undefined ? { value: data } : schema['~standard'].validate(data)
    if (result instanceof Promise)
      throw invalid('data is an asynchronous schema; expected a synchronous one, because data is read without waiting')
    if (result.issues === undefined) return result.value
    const paths = result.issues.map((issue) => pathOf(issue.path)).slice(0, 5)
    throw new SessionDataError(`Session data does not fit its schema at ${paths.join(', ')}. ${READ_MORE}`, {
      code: 'ERR_DATA_INVALID',
    })
  }

  function validate(data: unknown): JsonObject {
    const json = toJson(shaped(data))
    if (isObject(json)) return json
    throw new SessionDataError(`Session data must be an object. ${READ_MORE}`, { code: 'ERR_DATA_INVALID' })
  }

  try {
    validate({})
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw new ConfigError(
      `createSessions: data refuses {}; expected a schema with a default for each key, because new sessions start from {}. ${READ_MORE}`,
      {
        code: 'ERR_CONFIG_INVALID',
        cause,
      },
    )
  }

  return {
    initial: () => validate({}),
    validate,
    encode(data) {
      const text = JSON.stringify(data)
      const size = Buffer.byteLength(text)
      if (size <= maxDataBytes) return Buffer.from(`${dataVersion}${text}`)
      throw new SessionDataError(
        `Session data has ${size} bytes of JSON; maxDataBytes allows ${maxDataBytes}. Keep what is large in your own database. ${READ_MORE}`,
        { code: 'ERR_DATA_TOO_LARGE', status: 413 },
      )
    },
    decode(plaintext) {
      const stored = plaintext.toString()
      const split = stored.indexOf('{')
      const version = Number(stored.slice(0, split))
      if (split < 1 || !Number.isSafeInteger(version)) return { kind: 'unreadable' }
      if (version > dataVersion) return { kind: 'newer' }
      const text = stored.slice(split)
      try {
        const parsed: unknown = JSON.parse(text)
        const data = shaped(version < dataVersion && migrate ? migrate(parsed, version) : parsed)
        return isObject(data) ? { kind: 'data', data, text } : { kind: 'unreadable' }
      } catch {
        return { kind: 'unreadable' }
      }
    },
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function pathOf(path: ReadonlyArray<PropertyKey | StandardSchemaV1.PathSegment> | undefined): string {
  const keys = (path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment))
  // Only the top-level key: deeper ones may be a visitor's own words.
  return keys.length === 0 ? 'data' : `data.${String(keys[0]).slice(0, 64)}`
}

function invalid(message: string): ConfigError {
  return new ConfigError(`createSessions: ${message}. ${READ_MORE}`, { code: 'ERR_CONFIG_INVALID' })
}
