/**
 * Sojourn: secure session management. Start with `createSessions`; stores and adapters have entries of their own
 * (`sojourn/stores/sqlite`, `sojourn/express`).
 *
 * @packageDocumentation
 */
export type { Acr, Fact, Requirement, Strength } from './core/assurance.ts'
export type { CircuitBreakerOptions } from './core/circuit-breaker.ts'
export { type Clock, systemClock } from './core/clock.ts'
export type { PolicySubject, SessionLimit, SessionsOptions } from './core/config.ts'
export { days, hours, minutes, seconds } from './core/duration.ts'
export {
  AssuranceError,
  ConfigError,
  CsrfError,
  type CsrfRule,
  type ErrorCode,
  isSojournError,
  SessionDataError,
  SessionStateError,
  SojournError,
  StoreError,
  TransportError,
} from './core/errors.ts'
export type { EventDetails, Events, EventType, SojournEvent } from './core/events.ts'
export type { SessionSummary } from './core/listing.ts'
export { subjectKeyOf } from './core/placement.ts'
export { type Policy, type PresetName, policies } from './core/policies.ts'
export type { PolicyReport } from './core/policy-report.ts'
export type { ProviderLink, ProviderLogout } from './core/provider-link.ts'
export type { OnOutage, SessionState } from './core/reading.ts'
export type { FoundSession, FoundSessions, RevokedMatching, SessionFilter } from './core/searching.ts'
export type { Session, SignInOptions } from './core/session.ts'
export { createSessions, type RevokeReason, type Sessions } from './core/sessions.ts'
export type {
  CallOptions,
  CarryingOptions,
  ChangeListener,
  Changes,
  Channel,
  CountOptions,
  CreateOptions,
  CreateOutcome,
  EndedRecord,
  FoundRecord,
  FoundRecords,
  Ledger,
  LedgerOptions,
  NewRecord,
  PurgeOptions,
  QueryOptions,
  ReadOptions,
  ReadOutcome,
  RecordChanges,
  RecordCount,
  RecordFilter,
  RecordLabels,
  RecordLink,
  RevokeLinkedOptions,
  RevokeOptions,
  RevokeSubjectOptions,
  Store,
  StoreCapabilities,
  StoredRecord,
  Tombstone,
  UpdateOptions,
  UpdateOutcome,
} from './core/store.ts'
export type { BindingState, ReadContext, TokenInstruction } from './core/unit-of-work.ts'
