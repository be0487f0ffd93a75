/**
 * Removes old entries up to a checkpoint, and leaves a signed statement that they were removed on purpose: the chain goes on from there. Removal by anybody else has no such
 * statement.
 */
import type { AuditStore } from './audit-store.ts'
import { breath } from './breath.ts'
import { digest } from './canonical.ts'
import type { Signer } from './signing.ts'
import { open } from './statements.ts'
import type { Writer } from './writer.ts'

/** What retention did. */
export interface Retained {
  /** Entries removed by this call. */
  readonly removed: number
  /** The last entry that is gone, this time or before; 0 while none is. */
  readonly through: number
}

/** Rows removed in one transaction: others write in between. */
const STEP = 500

interface Parts {
  readonly store: Pick<AuditStore, 'state' | 'lastCheckpoint' | 'remove'>
  readonly signer: Signer
  readonly writer: Writer
}

/** Removes what was vouched for by the last checkpoint before `before`. */
export async function retainLog(
  { store, signer, writer }: Parts,
  {
    before,
    now,
    actor,
    signal,
  }: {
    readonly before: number
    readonly now: number
    readonly actor?: string | undefined
    readonly signal?: AbortSignal | undefined
  },
): Promise<Retained> {
  const last = await store.lastCheckpoint(before)
  const checkpoint = last && open(signer, 'checkpoint', last)
  const present = await presentCut(store, signer)
  // One that does not hold vouches for nothing: what it is about stays, for `verify` to tell.
  if (last !== undefined && checkpoint?.state === 'good' && checkpoint.statement.seq > (present?.seq ?? 0)) {
    const { log, seq, hash, number } = checkpoint.statement
    const cut = { log, seq, hash, at: now, checkpoint: number, checkpointHash: digest('checkpoint', last.body) }
    await writer.write(writer.newName(), { drafts: [{ type: 'audit.cut', at: now, through: seq, actor }], now, cut })
  }
  const cut = await presentCut(store, signer)
  if (cut === undefined) return { removed: 0, through: 0 }
  for (let removed = 0; ; ) {
    signal?.throwIfAborted()
    const step = await store.remove({ through: cut.seq, checkpoint: cut.checkpoint, limit: STEP })
    removed += step
    if (step < STEP) return { removed, through: cut.seq }
    await breath()
  }
}

async function presentCut(store: Pick<AuditStore, 'state'>, signer: Signer) {
  const { cut } = await store.state()
  const opened = cut && open(signer, 'cut', cut)
  return opened?.state === 'good' ? opened.statement : undefined
}
