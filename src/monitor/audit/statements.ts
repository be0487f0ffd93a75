/** What is signed about a log: its head, its checkpoints, and the cut that retention leaves. */

import type { Signed, StoredCheckpoint } from './audit-store.ts'
import { canonical } from './canonical.ts'
import type { Signer, Statement } from './signing.ts'

/** What every statement says: entries up to `seq` of this log come to this hash. */
interface Common {
  readonly v: 1
  /** Random name of the log. */
  readonly log: string
  readonly seq: number
  readonly hash: string
  /** When it was signed. */
  readonly at: number
  /** Name of the key. */
  readonly key: string
}

/** Where the log stands. Written anew with every batch, so that nothing after the last checkpoint can be replaced without the key either. */
export interface Head extends Common {
  /** The last checkpoint: its number, what it is about, when it was signed, the digest of its body. */
  readonly checkpoint: number
  readonly checkpointSeq: number
  readonly checkpointAt: number
  readonly checkpointHash: string
}

/** Stays, and can be kept elsewhere. */
export interface Checkpoint extends Common {
  readonly number: number
  /** Digest of the body of the one before. */
  readonly previous: string
}

/** Entries up to `seq` were removed on purpose; checkpoints go on from this one. */
export interface Cut extends Common {
  readonly checkpoint: number
  /** Digest of that checkpoint's body. */
  readonly checkpointHash: string
}

type Of<What extends Statement> = { head: Head; checkpoint: Checkpoint; cut: Cut }[What]

/** A statement that was read: what it says, and what its signature is worth. */
export type Opened<What extends Statement> =
  | { readonly state: 'good'; readonly statement: Of<What> }
  | { readonly state: 'unknown-key'; readonly statement: Of<What> }
  | { readonly state: 'bad' }

const NUMBERS: Readonly<Record<Statement, readonly string[]>> = {
  head: ['seq', 'at', 'checkpoint', 'checkpointSeq', 'checkpointAt'],
  checkpoint: ['seq', 'at', 'number'],
  cut: ['seq', 'at', 'checkpoint'],
}
const TEXTS: Readonly<Record<Statement, readonly string[]>> = {
  head: ['log', 'hash', 'key', 'checkpointHash'],
  checkpoint: ['log', 'hash', 'key', 'previous'],
  cut: ['log', 'hash', 'key', 'checkpointHash'],
}

/** Signs a statement with the newest key. */
export function state<What extends Statement>(signer: Signer, what: What, says: Omit<Of<What>, 'v' | 'key'>): Signed {
  return signer.sign(what, canonical({ ...says, v: 1, key: signer.keyId }))
}

/** Reads a statement; whatever is wrong with it makes it `bad`. */
export function open<What extends Statement>(signer: Signer, what: What, signed: Signed): Opened<What> {
  const statement = parse(what, signed.body)
  if (statement === undefined) return { state: 'bad' }
  const state = signer.check(what, signed, statement.key)
  return state === 'bad' ? { state } : { state, statement }
}

function parse<What extends Statement>(what: What, body: unknown): Of<What> | undefined {
  try {
    const statement: unknown = JSON.parse(String(body))
    if (typeof statement !== 'object' || statement === null) return undefined
    const fields = statement as Record<string, unknown>
    const isWhole = NUMBERS[what].every((name) => Number.isSafeInteger(fields[name])) && fields.v === 1
    return isWhole && TEXTS[what].every((name) => typeof fields[name] === 'string') ? (statement as Of<What>) : undefined
  } catch {
    return undefined
  }
}

/** A checkpoint as it leaves the store: to be kept where whoever can write to the log cannot. */
export interface AuditCheckpoint {
  /** Random name of the log. */
  readonly log: string
  readonly number: number
  /** It vouches for all entries up to this one, */
  readonly seq: number
  /** whose hash is this. */
  readonly hash: string
  /** When it was signed, in epoch milliseconds. */
  readonly at: number
  /** Name of the key. */
  readonly keyId: string
  readonly body: string
  readonly signature: string
}

/** What a stored checkpoint says; for reading, nothing is checked. */
export function toCheckpoint({ number, seq, at, body, signature }: StoredCheckpoint): AuditCheckpoint {
  const said = parse('checkpoint', body)
  return { log: said?.log ?? '', number, seq, hash: said?.hash ?? '', at, keyId: said?.key ?? '', body, signature }
}
