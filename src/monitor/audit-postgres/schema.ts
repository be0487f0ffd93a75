import { createHash } from 'node:crypto'
import { checkOption } from '../audit/faults.ts'

/** Where the tables are. */
export interface PostgresAuditSchemaOptions {
  /** The PostgreSQL schema that holds the tables. Default `public`; it must exist. Letters, digits and underscores, at most 63. */
  readonly schema?: string
  /** What the names of tables and indexes begin with. Default `sojourn_`. Letters, digits and underscores, at most 31. */
  readonly tablePrefix?: string
}

/** Every name the store uses in the database: quoted, and with its schema, so that no `search_path` matters. */
export interface Names {
  readonly entries: string
  readonly checkpoints: string
  readonly state: string
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
export function namesOf({ schema = 'public', tablePrefix = 'sojourn_' }: PostgresAuditSchemaOptions): Names {
  for (const [option, name, longest] of [
    ['schema', schema, LONGEST_SCHEMA],
    ['tablePrefix', tablePrefix, LONGEST_PREFIX],
  ] as const) {
    const isPlain = typeof name === 'string' && name.length <= longest && IDENTIFIER.test(name)
    checkOption('postgresAuditStore', option, isPlain, `letters, digits and underscores, no digit first, at most ${longest}`)
  }
  const table = (part: string) => `"${schema}"."${tablePrefix}${part}"`
  return {
    entries: table('audit'),
    checkpoints: table('audit_checkpoints'),
    state: table('audit_state'),
    version: table('audit_schema'),
    index: (part) => `"${tablePrefix}${part}"`,
    lock: (name) =>
      String(
        createHash('sha256')
          .update(`${table('audit')} ${name}`)
          .digest()
          .readBigInt64BE(),
      ),
  }
}

/**
 * The script that makes the tables. It may be run again, and by many at once; run it in one transaction.
 *
 * Each index is in the order of a search's pages. Everything that is text is ASCII, in the order of its bytes.
 */
export function schemaSql({ entries, checkpoints, state, version, index, lock }: Names): string {
  return `-- The tables of Sojourn's audit log, version ${SCHEMA_VERSION}. May be run again, and by several at once; run it in one transaction.
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

-- The entries. Instants are milliseconds since 1970. The application's role needs SELECT, INSERT, and DELETE for retention; UPDATE on the state alone.
CREATE TABLE IF NOT EXISTS ${entries} (
  seq bigint PRIMARY KEY,
  at bigint NOT NULL,
  type text COLLATE "C" NOT NULL,
  session_id text COLLATE "C",
  subject_key text COLLATE "C",
  actor_key text COLLATE "C",
  body text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL
);
CREATE INDEX IF NOT EXISTS ${index('audit_at')} ON ${entries} (at, seq);
CREATE INDEX IF NOT EXISTS ${index('audit_type')} ON ${entries} (type, at, seq);
CREATE INDEX IF NOT EXISTS ${index('audit_session')} ON ${entries} (session_id, at, seq, type) WHERE session_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS ${index('audit_subject')} ON ${entries} (subject_key, at, seq, type) WHERE subject_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS ${index('audit_actor')} ON ${entries} (actor_key, at, seq, type) WHERE actor_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS ${checkpoints} (
  number bigint PRIMARY KEY,
  seq bigint NOT NULL,
  at bigint NOT NULL,
  body text NOT NULL,
  signature text NOT NULL
);
CREATE INDEX IF NOT EXISTS ${index('audit_checkpoints_at')} ON ${checkpoints} (at, number);

-- Where the log stands: one row, which each writer locks.
CREATE TABLE IF NOT EXISTS ${state} (
  id integer PRIMARY KEY CHECK (id = 1),
  head text,
  head_signature text,
  cut text,
  cut_signature text,
  batches text NOT NULL
);

CREATE TABLE IF NOT EXISTS ${version} (version integer PRIMARY KEY);
INSERT INTO ${version} (version) VALUES (${SCHEMA_VERSION}) ON CONFLICT DO NOTHING;
`
}
