import { createHash } from 'node:crypto'
import { ConfigError } from '../../core/errors.ts'

/** Where the tables are. */
export interface PostgresSchemaOptions {
  /**
   * The PostgreSQL schema that holds the tables. Default `public`; it must exist. Letters, digits and underscores, at most 63.
   * Share it with no application you do not trust: whoever may write to the tables may make ended sessions live.
   */
  readonly schema?: string
  /** What the names of tables, indexes and functions begin with. Default `sojourn_`. Letters, digits and underscores, at most 31. */
  readonly tablePrefix?: string
}

/** Every name the store uses in the database: quoted, and with its schema, so that no `search_path` matters. */
export interface Names {
  readonly sessions: string
  readonly subjects: string
  readonly ledger: string
  readonly version: string
  readonly createFunction: string
  readonly revokeSubjectFunction: string
  readonly createLinkedFunction: string
  readonly revokeLinkedFunction: string
  /** An index, by its last part: indexes are created in their table's schema and take none of their own. */
  index(part: string): string
  /** Where changes and messages are announced. Channels belong to the whole database, so schema and prefix are part of it. */
  readonly channel: string
  /** Keeps two runs of the migration apart. */
  readonly migrationLock: string
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/
const LONGEST_SCHEMA = 63
/** PostgreSQL cuts names at 63 bytes without a word, and ours have up to 32 after the prefix. */
const LONGEST_PREFIX = 31

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - a name is no plain identifier: nothing else is ever put into SQL text. */
export function namesOf({ schema = 'public', tablePrefix = 'sojourn_' }: PostgresSchemaOptions = {}): Names {
  checkIdentifier('schema', schema, LONGEST_SCHEMA)
  checkIdentifier('tablePrefix', tablePrefix, LONGEST_PREFIX)
  const named = (part: string) => `"${schema}"."${tablePrefix}${part}"`
  const digest = createHash('sha256').update(`${schema}.${tablePrefix}`).digest()
  return {
    sessions: named('sessions'),
    subjects: named('subjects'),
    ledger: named('ledger'),
    version: named('schema'),
    createFunction: named('create'),
    revokeSubjectFunction: named('revoke_subject'),
    createLinkedFunction: named('create_linked'),
    revokeLinkedFunction: named('revoke_linked'),
    index: (part) => `"${tablePrefix}${part}"`,
    channel: `sojourn_${digest.toString('hex', 0, 8)}`,
    migrationLock: String(digest.readBigInt64BE(8)),
  }
}

function checkIdentifier(option: string, name: unknown, longest: number): void {
  if (typeof name === 'string' && name.length <= longest && IDENTIFIER.test(name)) return
  const given = typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : typeof name
  throw new ConfigError(
    `postgresStore: ${option} must be letters, digits and underscores, not beginning with a digit, at most ${longest}; it is ${given}. ` +
      'It becomes part of SQL text. See docs/stores/postgres.md.',
    { code: 'ERR_CONFIG_INVALID' },
  )
}
