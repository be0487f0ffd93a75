/**
 * An entry in the Open Cybersecurity Schema Framework, version 1.3: Authentication (3002), Account Change (3001), Entity Management (3004), Detection Finding (2004), and the Base Event for
 * what fits none. What the schema has no attribute for is in `unmapped`.
 */
import type { EventType } from '../../core/events.ts'
import { type CatalogueRow, catalogue, type OcsfFields } from '../catalogue.ts'
import type { Plain } from './canonical.ts'
import type { AuditEntry } from './entry.ts'

const OCSF_VERSION = '1.3.0'
const CATEGORIES = { 0: 0, 2004: 2, 3001: 3, 3002: 3, 3004: 3 } as const
const ACTIVITIES: Readonly<Record<OcsfFields['classUid'], Readonly<Record<number, string>>>> = {
  0: {},
  2004: { 1: 'Create' },
  3001: { 10: 'MFA Factor Enable', 11: 'MFA Factor Disable' },
  3002: { 1: 'Logon', 2: 'Logoff' },
  3004: { 1: 'Create', 3: 'Update', 4: 'Delete' },
}
/** Informational, Medium, Critical. */
const SEVERITIES = { info: 1, warn: 3, critical: 5 } as const
const STATUSES = { unknown: 0, success: 1, failure: 2 } as const
/** The life of a finding, which has statuses of its own. */
const NEW = 1
const OTHER: OcsfFields = { classUid: 3004, activityId: 99 }

export function toOcsf(entry: AuditEntry): Plain {
  const { seq, at, type, actor, reason, details, times, level, owasp, sentence, hash } = entry
  const row = Object.hasOwn(catalogue, type) ? (catalogue[type as EventType] as CatalogueRow) : undefined
  const { classUid, activityId } = row?.ocsf ?? OTHER
  return {
    activity_id: activityId,
    activity_name: ACTIVITIES[classUid][activityId] ?? type,
    category_uid: CATEGORIES[classUid],
    class_uid: classUid,
    type_uid: classUid * 100 + activityId,
    time: at,
    severity_id: SEVERITIES[level],
    status_id: classUid === 2004 ? NEW : STATUSES[row?.outcome ?? 'success'],
    status_detail: reason,
    count: times > 1 ? times : undefined,
    message: sentence,
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Sojourn', vendor_name: 'Sojourn' },
      log_name: 'audit',
      log_provider: 'sojourn',
      event_code: type,
      sequence: seq,
      uid: hash,
      labels: owasp,
    },
    actor: actor === undefined ? undefined : { user: { uid: actor, type_id: 0 } },
    ...ofClass(classUid, entry),
    unmapped: details as Plain,
  }
}

function ofClass(
  classUid: OcsfFields['classUid'],
  { type, sessionId, subject, sentence, hash, at }: AuditEntry,
): Record<string, Plain | undefined> {
  // The classes ask for a user: of a request without one nothing is known.
  const user = subject === undefined ? { name: 'unknown', type_id: 0 } : { uid: subject, type_id: 1 }
  const session = sessionId === undefined ? undefined : { uid: sessionId }
  if (classUid === 3002) return { user, session, service: { name: 'sojourn' } }
  if (classUid === 3001) return { user }
  if (classUid === 3004) return { entity: { name: subject ?? type, type: type.split(/[.-]/)[0]!, uid: sessionId } }
  if (classUid === 2004) {
    const evidence = { actor: { user, session } }
    return { finding_info: { uid: hash, title: sentence, created_time: at, types: [type] }, evidences: [evidence] }
  }
  return {}
}
