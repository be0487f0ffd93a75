import { createHash } from 'node:crypto'
import { checkOption } from '../internal/faults.ts'

/** Where the tables are. */
export interface PostgresOutboxSchemaOptions {
  /** The PostgreSQL schema that holds the tables. Default `public`; it must exist. Letters, digits and underscores, at most 63. */
  readonly schema?: string
  /** What the names of tables and indexes begin with. Default `sojourn_`. Letters, digits and underscores, at most 31. */
  readonly tablePrefix?: string
}

/** Every name the outbox uses in the database: quoted, and with its schema, so that no `search_path` matters. */
export interface Names {
  readonly outbox: string
  readonly version: string
  /** An index, by its last part: indexes are created in their table's schema and take none of their own. */
  index(part: string): string
  /** The number of the advisory lock of a migration. */
  readonly lock: string
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
export function namesOf({ schema = 'public', tablePrefix = 'sojourn_' }: PostgresOutboxSchemaOptions): Names {
  for (const [option, name, longest] of [
    ['schema', schema, LONGEST_SCHEMA],
    ['tablePrefix', tablePrefix, LONGEST_PREFIX],
  ] as const) {
    const isPlain = typeof name === 'string' && name.length <= longest && IDENTIFIER.test(name)
    checkOption('postgresOutbox', option, isPlain, `letters, digits and underscores, no digit first, at most ${longest}`)
  }
  const outbox = `"${schema}"."${tablePrefix}outbox"`
  return {
    outbox,
    version: `"${schema}"."${tablePrefix}outbox_schema"`,
    index: (part) => `"${tablePrefix}outbox_${part}"`,
    lock: String(createHash('sha256').update(`${outbox} migration`).digest().readBigInt64BE()),
  }
}

/**
 * The script that makes the tables. It may be run again, and by many at once; run it in one transaction.
 *
 * Subjects are kept as bytes: `text` refuses NUL, and may compare by a language's rules.
 */
export function schemaSql({ outbox, version, index, lock }: Names): string {
  return `-- The tables of Sojourn's outbox, version ${SCHEMA_VERSION}. May be run again, and by several at once; run it in one transaction.
SELECT pg_advisory_xact_lock(${lock});

DO $sojourn$
BEGIN
  IF to_regclass('${version}') IS NOT NULL THEN
    IF (SELECT max(version) FROM ${version}) > ${SCHEMA_VERSION} THEN
      RAISE EXCEPTION 'A newer Sojourn made these tables; they were left as they are.' USING ERRCODE = '${NEWER_SCHEMA}';
    END IF;
  END IF;
END
$sojourn$;

-- Which application takes part in which session, and what it is still to be told. Instants are milliseconds since 1970; nothing is secret.
CREATE TABLE IF NOT EXISTS ${outbox} (
  session_id text COLLATE "C" NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  sid text NOT NULL,
  subject bytea NOT NULL,
  state text COLLATE "C" NOT NULL,
  next_at bigint NOT NULL,
  due_at bigint,
  ended_at bigint,
  reason text,
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  keep_until bigint,
  PRIMARY KEY (session_id, client_id)
);
CREATE INDEX IF NOT EXISTS ${index('next')} ON ${outbox} (state, next_at);
CREATE INDEX IF NOT EXISTS ${index('client')} ON ${outbox} (client_id, state, next_at);
CREATE INDEX IF NOT EXISTS ${index('subject')} ON ${outbox} (subject) WHERE state = 'watching';
CREATE INDEX IF NOT EXISTS ${index('keep')} ON ${outbox} (keep_until) WHERE keep_until IS NOT NULL;

CREATE TABLE IF NOT EXISTS ${version} (version integer PRIMARY KEY);
INSERT INTO ${version} (version) VALUES (${SCHEMA_VERSION}) ON CONFLICT DO NOTHING;
`
}
