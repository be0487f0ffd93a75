/**
 * What is written next: numbers and hashes that go on from where the log stands, a new head, and a checkpoint when one is due. It runs inside the store's transaction, where
 * no other writer can come between.
 *
 * A writer goes on only from a head that one of the trusted keys signed. Otherwise it would sign over whatever somebody made of the log: it begins the chain anew instead,
 * and says so in an entry that `verify` never passes over.
 */
import type { AuditState, AuditWrite, Signed, StoredCheckpoint, StoredEntry } from './audit-store.ts'
import { digest } from './canonical.ts'
import { type Draft, seal } from './entry.ts'
import type { Signer } from './signing.ts'
import { type Cut, type Head, open, state as signStatement } from './statements.ts'

/** Why a writer did not go on from what it found. */
export type Tampering = 'head-missing' | 'head-forged' | 'head-of-unknown-key' | 'entries-missing' | 'entries-added'

/** What a chain is made with. */
export interface ChainRules {
  readonly signer: Signer
  /** A checkpoint after so many entries, and so many milliseconds. */
  readonly checkpointEvery: number
  readonly checkpointInterval: number
  /** Makes the name of a new log. */
  readonly newLogName: () => string
}

/** What is to be written. */
export interface Request {
  readonly drafts: readonly Draft[]
  readonly now: number
  /** A checkpoint even if none is due, where there is anything new. */
  readonly isCheckpointDue?: boolean
  readonly cut?: Omit<Cut, 'v' | 'key'> | undefined
}

/** What came of it. */
export interface Extension {
  readonly write: Omit<AuditWrite, 'batches'>
  readonly firstSeq: number
  readonly tampering: Tampering | undefined
}

export const TAMPERED = 'audit.tampering-found'

/** Where a new chain begins. */
export const beginning = (log: string): string => digest('log', log)
/** Where it begins anew, after something that cannot be gone on from. */
export const restart = (log: string, seq: number): string => digest('restart', log, String(seq))

/** Finds what to write. `remembered` is the body of the last head this process saw to be good, so that it need not be checked again. */
export function extend(
  rules: ChainRules,
  state: AuditState,
  request: Request,
  remembered: string | undefined,
): Extension | undefined {
  const { signer } = rules
  const start = startOf(rules, state, request.now, remembered)
  const tampering = start.tampering
  const drafts: readonly Draft[] =
    tampering === undefined
      ? request.drafts
      : [{ type: TAMPERED, at: request.now, what: tampering, log: start.head.log }, ...request.drafts]
  const entries: StoredEntry[] = []
  let { seq, hash } = start
  for (const draft of drafts) {
    const entry = seal(draft, seq + 1, hash)
    entries.push(entry)
    seq = entry.seq
    hash = entry.hash
  }
  const isNew = seq > start.head.checkpointSeq
  const waited = Math.abs(request.now - start.head.checkpointAt)
  const isDue =
    isNew &&
    (request.isCheckpointDue === true ||
      seq - start.head.checkpointSeq >= rules.checkpointEvery ||
      waited >= rules.checkpointInterval)
  if (entries.length === 0 && !isDue && request.cut === undefined) return undefined
  const common = { log: start.head.log, seq, hash, at: request.now }
  const checkpoint = isDue ? nextCheckpoint(signer, start.head, common) : undefined
  const head = signStatement(signer, 'head', {
    ...common,
    checkpoint: checkpoint?.number ?? start.head.checkpoint,
    checkpointSeq: checkpoint?.seq ?? start.head.checkpointSeq,
    checkpointAt: checkpoint?.at ?? start.head.checkpointAt,
    checkpointHash: checkpoint === undefined ? start.head.checkpointHash : digest('checkpoint', checkpoint.body),
  })
  const cut = cutOf(signer, state, request, remembered)
  return { write: { entries, checkpoint, head, cut }, firstSeq: start.seq + drafts.length - request.drafts.length + 1, tampering }
}

function nextCheckpoint(
  signer: Signer,
  head: Head,
  common: Omit<Cut, 'v' | 'key' | 'checkpoint' | 'checkpointHash'>,
): StoredCheckpoint {
  const number = head.checkpoint + 1
  const signed: Signed = signStatement(signer, 'checkpoint', { ...common, number, previous: head.checkpointHash })
  return { number, seq: common.seq, at: common.at, ...signed }
}

/** The cut that is asked for, unless another process made a later one; or the one there is, under the newest key before its own leaves the ring. */
function cutOf(signer: Signer, state: AuditState, { cut }: Request, remembered: string | undefined): Signed | undefined {
  const isKnown = cut === undefined && state.head?.body === remembered
  const opened = isKnown || state.cut === undefined ? undefined : open(signer, 'cut', state.cut)
  const present = opened?.state === 'good' ? opened.statement : undefined
  if (cut !== undefined && cut.seq > (present?.seq ?? 0)) return signStatement(signer, 'cut', cut)
  return present !== undefined && present.key !== signer.keyId ? signStatement(signer, 'cut', present) : undefined
}

interface Start {
  readonly head: Head
  readonly seq: number
  readonly hash: string
  readonly tampering: Tampering | undefined
}

function startOf(rules: ChainRules, state: AuditState, now: number, remembered: string | undefined): Start {
  const opened = openedHead(rules.signer, state.head, remembered)
  // Once everything before it was removed there may be no entry at all.
  const lastSeq = state.lastSeq || removedThrough(rules.signer, state)
  if (typeof opened === 'string') {
    const head = newHead(rules.newLogName(), now, state.lastCheckpoint)
    const isNew = opened === 'head-missing' && lastSeq + state.lastCheckpoint === 0 && state.cut === undefined
    if (isNew) return { head, seq: 0, hash: head.hash, tampering: undefined }
    return { head, seq: lastSeq, hash: restart(head.log, lastSeq), tampering: opened }
  }
  if (lastSeq > opened.seq) return { head: opened, seq: lastSeq, hash: restart(opened.log, lastSeq), tampering: 'entries-added' }
  return {
    head: opened,
    seq: opened.seq,
    hash: opened.hash,
    tampering: lastSeq < opened.seq ? 'entries-missing' : undefined,
  }
}

function openedHead(signer: Signer, head: Signed | undefined, remembered: string | undefined): Head | Tampering {
  if (head === undefined) return 'head-missing'
  if (head.body === remembered) return JSON.parse(head.body) as Head
  const opened = open(signer, 'head', head)
  if (opened.state === 'good') return opened.statement
  return opened.state === 'bad' ? 'head-forged' : 'head-of-unknown-key'
}

function removedThrough(signer: Signer, { cut }: AuditState): number {
  const opened = cut && open(signer, 'cut', cut)
  return opened?.state === 'good' ? opened.statement.seq : 0
}

function newHead(log: string, now: number, checkpoint: number): Head {
  const nothing = { checkpoint, checkpointSeq: 0, checkpointAt: now, checkpointHash: '' }
  return { v: 1, log, seq: 0, hash: beginning(log), at: now, key: '', ...nothing }
}
