import { createHash } from 'node:crypto'
import { checkOption } from '../internal/faults.ts'

/** Where the tables are. */
export interface PostgresFactorSchemaOptions {
  /** The PostgreSQL schema that holds the tables. Default `public`; it must exist. Letters, digits and underscores, at most 63. */
  readonly schema?: string
  /** What the names of tables and indexes begin with. Default `sojourn_`. Letters, digits and underscores, at most 31. */
  readonly tablePrefix?: string
}

/** Every name the store uses in the database: quoted, and with its schema, so that no `search_path` matters. */
export interface Names {
  readonly factors: string
  readonly version: string
  /** An index, by its last part: indexes are created in their table's schema and take none of their own. */
  index(part: string): string
  /** The number of an advisory lock: one of these tables for each name. */
  lock(name: string): string
}

/** The version of the tables this code knows. */
export const SCHEMA_VERSION = 1
/** What the script answers when a newer Sojourn made the tables. */
export const NEWER_SCHEMA = 'SJN01'

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/
const LONGEST_SCHEMA = 63
/** PostgreSQL cuts names at 63 bytes without a word. */
const LONGEST_PREFIX = 31

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - a name is no plain identifier: nothing else is ever put into SQL text. */
export function namesOf({ schema = 'public', tablePrefix = 'sojourn_' }: PostgresFactorSchemaOptions): Names {
  for (const [option, name, longest] of [
    ['schema', schema, LONGEST_SCHEMA],
    ['tablePrefix', tablePrefix, LONGEST_PREFIX],
  ] as const) {
    const isPlain = typeof name === 'string' && name.length <= longest && IDENTIFIER.test(name)
    checkOption('postgresFactorStore', option, isPlain, `letters, digits and underscores, no digit first, at most ${longest}`)
  }
  const factors = `"${schema}"."${tablePrefix}factors"`
  return {
    factors,
    version: `"${schema}"."${tablePrefix}factors_schema"`,
    index: (part) => `"${tablePrefix}${part}"`,
    lock: (name) => String(createHash('sha256').update(`${factors} ${name}`).digest().readBigInt64BE()),
  }
}

/**
 * The script that makes the tables. It may be run again, and by many at once; run it in one transaction.
 *
 * What people and their devices choose is kept as bytes: `text` refuses NUL, and may compare by a language's rules.
 */
export function schemaSql({ factors, version, index, lock }: Names): string {
  return `-- The tables of Sojourn's factors, version ${SCHEMA_VERSION}. May be run again, and by several at once; run it in one transaction.
SELECT pg_advisory_xact_lock(${lock('migration')});

DO $sojourn$
BEGIN
  IF to_regclass('${version}') IS NOT NULL THEN
    IF (SELECT max(version) FROM ${version}) > ${SCHEMA_VERSION} THEN
      RAISE EXCEPTION 'A newer Sojourn made these tables; they were left as they are.' USING ERRCODE = '${NEWER_SCHEMA}';
    END IF;
  END IF;
END
$sojourn$;

-- What people prove themselves with. Instants are milliseconds since 1970; what is secret is sealed.
CREATE TABLE IF NOT EXISTS ${factors} (
  id text COLLATE "C" PRIMARY KEY,
  subject bytea NOT NULL,
  kind text NOT NULL,
  handle bytea,
  name bytea NOT NULL,
  created_at bigint NOT NULL,
  last_used_at bigint,
  version integer NOT NULL,
  sealed bytea NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS ${index('factors_handle')} ON ${factors} (kind, handle) WHERE handle IS NOT NULL;
CREATE INDEX IF NOT EXISTS ${index('factors_subject')} ON ${factors} (subject);

CREATE TABLE IF NOT EXISTS ${version} (version integer PRIMARY KEY);
INSERT INTO ${version} (version) VALUES (${SCHEMA_VERSION}) ON CONFLICT DO NOTHING;
`
}
