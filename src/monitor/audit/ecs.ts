/** An entry in the Elastic Common Schema, version 8. What the schema has no field for is under `sojourn`. */
import type { EventType } from '../../core/events.ts'
import { type CatalogueRow, catalogue } from '../catalogue.ts'
import type { Plain } from './canonical.ts'
import type { AuditEntry } from './entry.ts'

const ECS_VERSION = '8.17.0'
/** `event.severity` as syslog's numbers would have it: the smaller the worse. */
const SEVERITIES = { info: 6, warn: 4, critical: 2 } as const

export function toEcs(entry: AuditEntry): Plain {
  const { seq, at, type, sessionId, subject, actor, reason, details, times, level, owasp, sentence, hash } = entry
  const row = Object.hasOwn(catalogue, type) ? (catalogue[type as EventType] as CatalogueRow) : undefined
  const { category, type: kind } = row?.ecs ?? { category: 'iam', type: 'admin' }
  return {
    '@timestamp': new Date(at).toISOString(),
    ecs: { version: ECS_VERSION },
    event: {
      kind: level === 'critical' ? 'alert' : 'event',
      category: [category],
      type: [kind],
      action: type,
      outcome: row?.outcome ?? 'success',
      provider: 'sojourn',
      dataset: 'sojourn.audit',
      module: 'sojourn',
      sequence: seq,
      severity: SEVERITIES[level],
      hash,
      reason,
    },
    log: { level },
    message: sentence,
    user: userOf(subject, actor),
    sojourn: { owasp, session: sessionId === undefined ? undefined : { id: sessionId }, times, details: details as Plain },
  }
}

/** Who acted is `user`; whom they acted on is `user.target`. */
function userOf(subject: string | undefined, actor: string | undefined): Plain | undefined {
  if (actor === undefined) return subject === undefined ? undefined : { id: subject }
  return { id: actor, target: subject === undefined ? undefined : { id: subject } }
}
