/**
 * The contract of a factor store: where an application keeps what its people prove themselves with. It is a table of the application's
 * own, small on purpose; what is in a factor is sealed before any store sees it.
 */

/** What a person proves with. */
export type FactorKind = 'totp' | 'passkey' | 'recovery'

/** One factor as a store keeps it. */
export interface StoredFactor {
  /** Public name, 22 characters of base64url; safe to show and log. */
  readonly id: string
  readonly subject: string
  readonly kind: FactorKind
  /** Finds it without its subject; one of its kind alone has it. A passkey's credential id; `undefined` for other kinds. At most 1,400 characters of base64url. */
  readonly handle: string | undefined
  /** What the person calls it, such as `My phone`. At most 100 characters. */
  readonly name: string
  readonly createdAt: number
  /** When it last proved something. */
  readonly lastUsedAt: number | undefined
  /** Counts its updates, from 1. */
  readonly version: number
  /** Its secret and public parts, sealed; at most 16 KiB. */
  readonly sealed: Uint8Array
}

/** Parts of a factor that may change. A key that is absent stays. */
export interface FactorChanges {
  readonly name?: string
  readonly lastUsedAt?: number
  readonly sealed?: Uint8Array
}

/**
 * Where factors live. Every method is atomic, and safe from several processes at once. Subjects are any well-formed strings of at most 1,024 bytes,
 * compared exactly; hostile ones included.
 */
export interface FactorStore {
  /** Short name for reports. */
  readonly name: string
  /** Every factor of a subject, oldest first; empty when there is none. */
  list(subject: string): Promise<readonly StoredFactor[]>
  /** The factor of this kind with this handle; `undefined` when nobody has it. */
  byHandle(kind: FactorKind, handle: string): Promise<StoredFactor | undefined>
  /**
   * Adds a factor, at version 1. `taken` when the id, or the handle among its kind, is somebody's already; `full` when the subject has `most` of its
   * kind. Counting and adding are one step.
   */
  add(factor: Omit<StoredFactor, 'version'>, options: { readonly most: number }): Promise<'added' | 'taken' | 'full'>
  /** Changes a factor of this subject at this version, and raises it. Never creates. `gone` when it is not there or another subject's. */
  update(subject: string, id: string, version: number, changes: FactorChanges): Promise<'updated' | 'conflict' | 'gone'>
  /** Removes a factor of this subject. `false` when it was not there: exactly one of two callers gets `true`. */
  remove(subject: string, id: string): Promise<boolean>
  /** Removes all of a subject's factors, of one kind where it is given; gives how many. */
  removeAll(subject: string, kind?: FactorKind): Promise<number>
  /** Releases what the store itself opened, never a client it was given. Safe to call twice. */
  close(): Promise<void>
}
