import { linkFunctions } from './links.ts'
import { DURABLY, lockOf, UNLINKED } from './locks.ts'
import type { Names } from './names.ts'

/** The version of the tables this code knows. Raise it with a step that leads an older database there. */
export const SCHEMA_VERSION = 3
/** What the script answers when a newer Sojourn made the tables. */
export const NEWER_SCHEMA = 'SJN01'

/**
 * The script that makes tables and functions. It may be run again, and by many at once; run it in one transaction.
 *
 * - Tombstones share the table with records, so that one primary key guards an id against both. Theirs are the rows with `revoked_at`.
 * - An id is kept as a `uuid`: 16 bytes instead of the 23 of its text.
 * - `subject` and the ledger's `key` are bytes: `text` refuses NUL, and may compare by a language's rules.
 * - No index names a column that a touch changes, so a touch stays in its page (HOT) and writes no index. That is why `purge` goes
 *   by `purge_at`, which says when to look again, rather than by the deadline.
 * - A link's keys are an array with an index of its own (GIN), of the live rows that have one: the others pay nothing, and what goes takes its keys along.
 * - What `query` goes by is in the order of `started_at` (`search.ts`). Ended rows have an index of their own by subject: who lists the living passes none.
 * - The functions are what needs more than one statement: a lock on the subject, then a look at what is there *now*. One statement
 *   cannot do that: under READ COMMITTED it sees what was committed when it began, before it waited for the lock.
 */
export function schemaSql(names: Names): string {
  const { sessions, subjects, ledger, version, index } = names
  return `-- The tables of Sojourn, version ${SCHEMA_VERSION}. May be run again, and by several at once; run it in one transaction.
SELECT pg_advisory_xact_lock(${names.migrationLock});

DO $sojourn$
BEGIN
  IF to_regclass('${version}') IS NOT NULL THEN
    IF (SELECT max(version) FROM ${version}) > ${SCHEMA_VERSION} THEN
      RAISE EXCEPTION 'A newer Sojourn made these tables; they were left as they are.' USING ERRCODE = '${NEWER_SCHEMA}';
    END IF;
  END IF;
END
$sojourn$;

-- Live sessions and, with revoked_at, what remains of ended ones. Instants are milliseconds since 1970.
CREATE TABLE IF NOT EXISTS ${sessions} (
  id uuid PRIMARY KEY,
  started_at bigint NOT NULL,
  deadline bigint NOT NULL,
  absolute_deadline bigint NOT NULL,
  purge_at bigint NOT NULL,
  epoch bigint NOT NULL,
  revoked_at bigint,
  version integer NOT NULL,
  subject bytea,
  reason text,
  body bytea
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
-- Sealed bytes do not get smaller: no time is spent on trying.
ALTER TABLE ${sessions} ALTER COLUMN body SET STORAGE EXTERNAL;
-- The logins at a provider that they came of, since version 2.
ALTER TABLE ${sessions} ADD COLUMN IF NOT EXISTS link_at bigint, ADD COLUMN IF NOT EXISTS link_keys bytea[];
CREATE INDEX IF NOT EXISTS ${index('sessions_links')} ON ${sessions} USING gin (link_keys) WITH (fastupdate = off)
  WHERE link_keys IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS ${index('sessions_subject')} ON ${sessions} (subject) WHERE subject IS NOT NULL AND revoked_at IS NULL;
-- What they are searched by, since version 3. A function of version 2 stays for processes that have not been replaced yet.
ALTER TABLE ${sessions} ADD COLUMN IF NOT EXISTS device bytea, ADD COLUMN IF NOT EXISTS network bytea;
CREATE INDEX IF NOT EXISTS ${index('sessions_started')} ON ${sessions} (started_at, id);
CREATE INDEX IF NOT EXISTS ${index('sessions_ended')} ON ${sessions} (started_at, id) WHERE revoked_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS ${index('sessions_ended_subject')} ON ${sessions} (subject) WHERE subject IS NOT NULL AND revoked_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS ${index('sessions_device')} ON ${sessions} (device, started_at, id) WHERE device IS NOT NULL;
CREATE INDEX IF NOT EXISTS ${index('sessions_network')} ON ${sessions} (network, started_at, id) WHERE network IS NOT NULL;
CREATE INDEX IF NOT EXISTS ${index('sessions_purge')} ON ${sessions} (purge_at);

-- Subjects whose sessions were all ended at once: a record with a lower epoch is dead.
CREATE TABLE IF NOT EXISTS ${subjects} (
  subject bytea PRIMARY KEY,
  epoch bigint NOT NULL,
  check_at bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS ${index('subjects_check')} ON ${subjects} (check_at);

-- Claims, single-use values and counts, each until its deadline.
CREATE TABLE IF NOT EXISTS ${ledger} (
  kind smallint NOT NULL,
  key bytea NOT NULL,
  deadline bigint NOT NULL,
  count bigint NOT NULL,
  value bytea,
  PRIMARY KEY (kind, key)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX IF NOT EXISTS ${index('ledger_deadline')} ON ${ledger} (deadline);

${createFunction(names)}
${revokeSubjectFunction(names)}
${linkFunctions(names)}
CREATE TABLE IF NOT EXISTS ${version} (version integer PRIMARY KEY);
INSERT INTO ${version} (version) VALUES (${SCHEMA_VERSION}) ON CONFLICT DO NOTHING;
`
}

const LOCK_OF_SUBJECT = lockOf('p_subject')

function createFunction({ createFunction, sessions, subjects }: Names): string {
  return `CREATE OR REPLACE FUNCTION ${createFunction}(
  p_id uuid, p_subject bytea, p_started_at bigint, p_deadline bigint, p_absolute_deadline bigint, p_body bytea, p_now bigint,
  p_replaces uuid, p_replaces_version integer, p_replaces_reason text, p_max integer, p_evicts boolean,
  p_device bytea, p_network bytea, p_channel text,
  OUT outcome text, OUT subject_epoch bigint, OUT evicted uuid[]
) LANGUAGE plpgsql AS $sojourn$
DECLARE
  v_over uuid[];
BEGIN
  evicted := '{}';
  -- Who counts keeps out everyone else who creates; who ends the subject keeps out all.
  IF p_max IS NULL THEN
    PERFORM pg_advisory_xact_lock_shared(${LOCK_OF_SUBJECT}) WHERE p_subject IS NOT NULL;
  ELSE
    PERFORM pg_advisory_xact_lock(${LOCK_OF_SUBJECT}) WHERE p_subject IS NOT NULL;
  END IF;
  outcome := 'exists';
  IF EXISTS (SELECT FROM ${sessions} WHERE id = p_id) THEN RETURN; END IF;
  IF p_replaces IS NOT NULL THEN
    PERFORM FROM ${sessions} WHERE id = p_replaces AND version = p_replaces_version AND revoked_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN outcome := 'conflict'; RETURN; END IF;
  END IF;
  subject_epoch := coalesce((SELECT epoch FROM ${subjects} WHERE subject = p_subject), 0);
  IF p_max IS NOT NULL THEN
    SELECT array_agg(id) INTO v_over FROM (
      SELECT id FROM ${sessions}
      WHERE subject = p_subject AND revoked_at IS NULL AND epoch >= subject_epoch AND deadline > p_now
        AND id IS DISTINCT FROM p_replaces
      ORDER BY started_at DESC, id DESC OFFSET p_max - 1
    ) AS too_many;
    IF v_over IS NOT NULL AND NOT p_evicts THEN outcome := 'limit'; RETURN; END IF;
  END IF;
  INSERT INTO ${sessions} (id, started_at, deadline, absolute_deadline, purge_at, epoch, version, subject, body, device, network)
    VALUES (p_id, p_started_at, p_deadline, p_absolute_deadline, p_deadline, subject_epoch, 1, p_subject, p_body, p_device, p_network)
    ON CONFLICT DO NOTHING;
  -- Another call was quicker with this id; nothing has changed so far.
  IF NOT FOUND THEN RETURN; END IF;
  outcome := 'created';
  IF p_replaces IS NOT NULL THEN
    UPDATE ${sessions} SET revoked_at = p_now, reason = p_replaces_reason, body = NULL, ${UNLINKED} WHERE id = p_replaces;
    IF p_channel IS NOT NULL THEN PERFORM pg_notify(p_channel, 'i' || p_replaces); END IF;
  END IF;
  IF v_over IS NOT NULL THEN
    WITH ended AS (
      UPDATE ${sessions} SET revoked_at = p_now, reason = 'evicted', body = NULL, ${UNLINKED}
      WHERE id = ANY (v_over) AND revoked_at IS NULL RETURNING id, started_at
    ) SELECT coalesce(array_agg(id ORDER BY started_at, id), '{}') INTO evicted FROM ended;
    IF p_channel IS NOT NULL THEN PERFORM pg_notify(p_channel, 'i' || id) FROM unnest(evicted) AS id; END IF;
  END IF;
  IF p_replaces IS NOT NULL OR v_over IS NOT NULL THEN PERFORM ${DURABLY}; END IF;
END
$sojourn$;
`
}

function revokeSubjectFunction({ revokeSubjectFunction, sessions, subjects }: Names): string {
  return `CREATE OR REPLACE FUNCTION ${revokeSubjectFunction}(
  p_subject bytea, p_now bigint, p_reason text, p_except uuid, p_channel text, p_message text, OUT ended bigint
) LANGUAGE plpgsql AS $sojourn$
DECLARE
  v_before bigint;
  v_epoch bigint;
BEGIN
  -- Creates under way are waited for, and counted; later ones wait, and get the new epoch.
  PERFORM pg_advisory_xact_lock(${LOCK_OF_SUBJECT});
  v_before := coalesce((SELECT epoch FROM ${subjects} WHERE subject = p_subject), 0);
  -- A first epoch is an instant, so that it is higher than one that was forgotten.
  INSERT INTO ${subjects} AS present (subject, epoch, check_at) VALUES (p_subject, greatest(p_now, 1), p_now)
    ON CONFLICT (subject) DO UPDATE SET epoch = greatest(present.epoch + 1, excluded.epoch), check_at = excluded.check_at
    RETURNING epoch INTO v_epoch;
  -- Expired ones are ended too: they could still be updated, and must not come back that way. But they were over already.
  WITH gone AS (
    UPDATE ${sessions} SET revoked_at = p_now, reason = p_reason, body = NULL, ${UNLINKED}
    WHERE subject = p_subject AND revoked_at IS NULL AND id IS DISTINCT FROM p_except
    RETURNING deadline, epoch
  ) SELECT count(*) FILTER (WHERE deadline > p_now AND epoch >= v_before) INTO ended FROM gone;
  UPDATE ${sessions} SET epoch = v_epoch
    WHERE id = p_except AND subject = p_subject AND revoked_at IS NULL AND epoch >= v_before;
  IF p_channel IS NOT NULL THEN PERFORM pg_notify(p_channel, p_message); END IF;
  PERFORM ${DURABLY};
END
$sojourn$;
`
}
