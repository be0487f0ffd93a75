/**
 * The functions for links to logins at a provider. A create with a link and the end of that login keep each other out by the locks of
 * its keys: a record is either there when the login ends, or finds that it has ended.
 *
 * Logins that have ended are entries of the ledger's table, whose purge forgets them: `count` is the instant. Other kinds are in `ledger.ts`.
 */
import { DURABLY, lockOf, UNLINKED } from './locks.ts'
import type { Names } from './names.ts'

const SEVERED = 3

export function linkFunctions({ createFunction, createLinkedFunction, revokeLinkedFunction, sessions, ledger }: Names): string {
  return `CREATE OR REPLACE FUNCTION ${createLinkedFunction}(
  p_link_at bigint, p_link_keys bytea[],
  p_id uuid, p_subject bytea, p_started_at bigint, p_deadline bigint, p_absolute_deadline bigint, p_body bytea, p_now bigint,
  p_replaces uuid, p_replaces_version integer, p_replaces_reason text, p_max integer, p_evicts boolean,
  p_device bytea, p_network bytea, p_channel text,
  OUT outcome text, OUT subject_epoch bigint, OUT evicted uuid[]
) LANGUAGE plpgsql AS $sojourn$
BEGIN
  evicted := '{}';
  PERFORM pg_advisory_xact_lock_shared(number) FROM (
    SELECT DISTINCT ${lockOf('key')} AS number FROM unnest(p_link_keys) AS key ORDER BY number
  ) AS locks;
  IF EXISTS (SELECT FROM ${sessions} WHERE id = p_id) THEN outcome := 'exists'; RETURN; END IF;
  IF EXISTS (SELECT FROM ${ledger} WHERE kind = ${SEVERED} AND key = ANY (p_link_keys) AND count >= p_link_at) THEN
    outcome := 'severed'; RETURN;
  END IF;
  SELECT made.outcome, made.subject_epoch, made.evicted INTO outcome, subject_epoch, evicted
  FROM ${createFunction}(p_id, p_subject, p_started_at, p_deadline, p_absolute_deadline, p_body, p_now,
    p_replaces, p_replaces_version, p_replaces_reason, p_max, p_evicts, p_device, p_network, p_channel) AS made;
  IF outcome = 'created' THEN
    UPDATE ${sessions} SET link_at = p_link_at, link_keys = p_link_keys WHERE id = p_id;
  END IF;
END
$sojourn$;

CREATE OR REPLACE FUNCTION ${revokeLinkedFunction}(
  p_key bytea, p_at bigint, p_now bigint, p_reason text, p_keep_until bigint, p_channel text
) RETURNS TABLE (ended_id uuid, ended_subject bytea) LANGUAGE plpgsql AS $sojourn$
DECLARE
  v_deadline bigint;
BEGIN
  -- Creates under way are waited for, and ended; later ones wait, and find what is written here.
  PERFORM pg_advisory_xact_lock(${lockOf('p_key')});
  INSERT INTO ${ledger} AS present (kind, key, deadline, count) SELECT ${SEVERED}, p_key, p_keep_until, p_at WHERE p_keep_until IS NOT NULL
    ON CONFLICT (kind, key) DO UPDATE SET
      deadline = greatest(present.deadline, excluded.deadline), count = greatest(present.count, excluded.count);
  -- Their subjects are kept still: whoever ends one now would lock the same rows in another order.
  PERFORM pg_advisory_xact_lock(number) FROM (
    SELECT DISTINCT ${lockOf('subject')} AS number FROM ${sessions}
    WHERE link_keys @> ARRAY[p_key] AND revoked_at IS NULL AND link_at <= p_at AND subject IS NOT NULL ORDER BY number
  ) AS locks;
  FOR ended_id, ended_subject, v_deadline IN
    UPDATE ${sessions} SET revoked_at = p_now, reason = p_reason, body = NULL, ${UNLINKED}
    WHERE link_keys @> ARRAY[p_key] AND revoked_at IS NULL AND link_at <= p_at
    RETURNING id, subject, deadline
  LOOP
    IF p_channel IS NOT NULL THEN PERFORM pg_notify(p_channel, 'i' || ended_id); END IF;
    -- Expired ones are ended too: they could still be updated, and must not come back that way. But they were over already.
    IF v_deadline > p_now THEN RETURN NEXT; END IF;
  END LOOP;
  PERFORM ${DURABLY};
END
$sojourn$;
`
}
