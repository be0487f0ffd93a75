/**
 * Reads the whole log and says where it is not what was written. Each entry is compared with its hash, each hash with the one before, and both with what was signed: the
 * checkpoints, the head, the cut that retention left, and a checkpoint that was kept elsewhere. It holds a page of entries at a time.
 */
import type { AuditState, AuditStore, StoredCheckpoint, StoredEntry } from './audit-store.ts'
import { breath } from './breath.ts'
import { digest } from './canonical.ts'
import { beginning, restart, TAMPERED } from './chain.ts'
import { columnsOf, hashOf, parseBody } from './entry.ts'
import { type Finding, Findings } from './findings.ts'
import type { Signer } from './signing.ts'
import { type AuditCheckpoint, type Cut, type Head, open } from './statements.ts'

/** What to verify. */
export interface VerifyOptions {
  /** The first entry to look at. Default: the first there is. What is before it is taken as it is. */
  readonly from?: number
  /** A checkpoint that was kept elsewhere, the latest there is. Only with one can it be told that the end of the log was cut off, or the whole put back. */
  readonly anchor?: Pick<AuditCheckpoint, 'body' | 'signature'>
  readonly onProgress?: (progress: { readonly seq: number; readonly through: number }) => void
  readonly signal?: AbortSignal
}

/** What was found. */
export interface Verification {
  /** Whether nothing was. */
  readonly isIntact: boolean
  /** Entries that were looked at, and the first and the last there should be. */
  readonly entries: number
  readonly from: number
  readonly through: number
  /** Checkpoints whose signature holds, and those of keys that are not trusted any more, which say nothing. */
  readonly checkpoints: number
  readonly uncheckedCheckpoints: number
  /** Up to which entry the anchor vouches; `undefined` without one. Of what comes later the end may have been cut off unseen. */
  readonly anchoredThrough: number | undefined
  /** At most 100; `moreFindings` counts the rest. */
  readonly findings: readonly Finding[]
  readonly moreFindings: number
}

type Reader = Pick<AuditStore, 'state' | 'entries' | 'checkpoints'>

/** Read and hashed in one go: some milliseconds. */
const PAGE = 200

export async function verifyLog(store: Reader, signer: Signer, options: VerifyOptions = {}): Promise<Verification> {
  const run = new Run(store, signer, options)
  return run.verify()
}

class Run {
  readonly #store: Reader
  readonly #signer: Signer
  readonly #options: VerifyOptions
  readonly #findings = new Findings()
  #head: Head | undefined
  #cut: Cut | undefined
  /** The entry before: its number and its hash, where that is known. */
  #seq = 0
  #hash: string | undefined
  #at: number | undefined
  /** The last entry that something signed vouches for. */
  #vouched = 0
  #entries = 0
  #good = 0
  #unchecked = 0
  #checkpoint: { readonly number: number; readonly digest: string } | undefined
  #page: readonly StoredCheckpoint[] = []
  #isLastPage = false
  #anchor: { readonly seq: number; readonly hash: string } | undefined

  constructor(store: Reader, signer: Signer, options: VerifyOptions) {
    this.#store = store
    this.#signer = signer
    this.#options = options
  }

  async verify(): Promise<Verification> {
    const state = await this.#store.state()
    this.#openState(state)
    this.#openAnchor()
    const through = this.#head?.seq ?? state.lastSeq
    const from = Math.max(this.#options.from ?? 1, (this.#cut?.seq ?? 0) + 1)
    await this.#begin(from)
    await this.#readEntries(through)
    if (this.#seq < through) this.#findings.add('truncated', this.#seq + 1, through, this.#at)
    // What the head says of an end that is missing was told already.
    else if (this.#head !== undefined && through >= from) this.#compare('rewritten', this.#head.seq, this.#head.hash)
    await this.#readCheckpointsThrough(Number.POSITIVE_INFINITY)
    this.#checkLastCheckpoint()
    await this.#lookBehind(through)
    if (this.#anchor !== undefined && this.#anchor.seq > through)
      this.#findings.add('truncated', through + 1, this.#anchor.seq, this.#at)
    const { list, more } = this.#findings
    return {
      isIntact: list.length === 0,
      entries: this.#entries,
      from,
      through,
      checkpoints: this.#good,
      uncheckedCheckpoints: this.#unchecked,
      anchoredThrough: this.#anchor?.seq,
      findings: list,
      moreFindings: more,
    }
  }

  #openState({ head, cut, lastSeq, lastCheckpoint }: AuditState): void {
    if (cut !== undefined) {
      const opened = open(this.#signer, 'cut', cut)
      // Of an unknown key too: anybody can name one.
      if (opened.state === 'good') this.#cut = opened.statement
      else this.#findings.add('cut-forged', 1, 1, undefined)
    }
    if (head === undefined) {
      if (lastSeq + lastCheckpoint > 0 || cut !== undefined)
        this.#findings.add('head-missing', 1, Math.max(1, lastSeq), undefined)
      return
    }
    const opened = open(this.#signer, 'head', head)
    if (opened.state === 'good') this.#head = opened.statement
    else this.#findings.add(opened.state === 'bad' ? 'head-forged' : 'head-of-unknown-key', 1, Math.max(1, lastSeq), undefined)
  }

  #openAnchor(): void {
    const { anchor } = this.#options
    if (anchor === undefined) return
    const opened = open(this.#signer, 'checkpoint', anchor)
    if (opened.state === 'good') this.#anchor = opened.statement
    else this.#findings.add('anchor-forged', 1, 1, undefined)
  }

  /** Finds the hash that the first entry must follow from. */
  async #begin(from: number): Promise<void> {
    this.#seq = from - 1
    this.#vouched = from - 1
    if (this.#cut !== undefined && this.#seq === this.#cut.seq) {
      this.#hash = this.#cut.hash
      this.#checkpoint = { number: this.#cut.checkpoint - 1, digest: '' }
      return
    }
    if (from === 1) {
      this.#hash = this.#head && beginning(this.#head.log)
      this.#checkpoint = { number: 0, digest: '' }
      return
    }
    const [before] = await this.#store.entries({ after: from - 2, through: from - 1, limit: 1 })
    this.#hash = before?.hash
    this.#at = before?.at
  }

  async #readEntries(through: number): Promise<void> {
    const { onProgress, signal } = this.#options
    for (;;) {
      signal?.throwIfAborted()
      const page = await this.#store.entries({ after: this.#seq, through, limit: PAGE })
      for (const entry of page) await this.#readEntry(entry)
      onProgress?.({ seq: this.#seq, through })
      if (page.length < PAGE) return
      await breath()
    }
  }

  async #readEntry(entry: StoredEntry): Promise<void> {
    const { seq } = entry
    if (seq > this.#seq + 1) await this.#gap(seq)
    if (seq <= this.#seq) return
    this.#entries++
    const draft = parseBody(entry.body)
    const isRestart = draft?.type === TAMPERED && this.#follows(entry, restart(String(draft.log), seq - 1))
    if (isRestart) {
      this.#findings.add('restarted', seq, seq, this.#at)
      this.#vouched = seq - 1
    } else if (draft?.type === TAMPERED) this.#findings.add('restarted', seq, seq, this.#at)
    if (draft === undefined) this.#findings.add('edited', seq, seq, this.#at)
    else if (draft.seq !== seq) this.#findings.add('moved', seq, seq, this.#at)
    else if (!isRestart && this.#hash !== undefined && !this.#follows(entry, this.#hash))
      this.#findings.add('edited', seq, seq, this.#at)
    else if (!areColumnsOf(entry)) this.#findings.add('hidden', seq, seq, this.#at)
    else {
      this.#findings.intact(seq, entry.at)
      this.#at = entry.at
    }
    this.#seq = seq
    this.#hash = entry.hash
    if (this.#anchor?.seq === seq) this.#compare('rewritten', seq, this.#anchor.hash)
    await this.#readCheckpointsThrough(seq)
  }

  #follows(entry: StoredEntry, previous: string): boolean {
    return hashOf(previous, entry.body) === entry.hash
  }

  /** Entries are not there; unless retention has removed them since the state was read. */
  async #gap(seq: number): Promise<void> {
    const { cut } = await this.#store.state()
    const opened = cut && open(this.#signer, 'cut', cut)
    if (opened?.state === 'good' && opened.statement.seq > (this.#cut?.seq ?? 0)) {
      this.#cut = opened.statement
      if (this.#cut.seq > this.#seq) {
        this.#seq = this.#cut.seq
        this.#hash = this.#cut.hash
        this.#vouched = this.#cut.seq
        this.#checkpoint = undefined
        this.#page = []
      }
    }
    if (seq <= this.#seq + 1) return
    this.#findings.add('missing', this.#seq + 1, seq - 1, this.#at)
    this.#seq = seq - 1
    this.#hash = undefined
  }

  /** Compares the entry just read with what was signed about it. */
  #compare(kind: 'rewritten', seq: number, hash: string): void {
    if (this.#seq !== seq) return
    if (this.#hash !== hash) this.#findings.add(kind, Math.min(this.#vouched + 1, seq), seq, this.#at)
    this.#vouched = seq
  }

  async #readCheckpointsThrough(seq: number): Promise<void> {
    for (;;) {
      if (this.#page.length === 0) {
        if (this.#isLastPage) return
        const after = this.#checkpoint?.number ?? (this.#cut?.checkpoint ?? 1) - 1
        this.#page = await this.#store.checkpoints({ after, limit: PAGE })
        this.#isLastPage = this.#page.length < PAGE
        if (this.#page.length === 0) return
      }
      const [next] = this.#page
      if (next!.seq > seq) return
      this.#page = this.#page.slice(1)
      this.#readCheckpoint(next!)
    }
  }

  #readCheckpoint(stored: StoredCheckpoint): void {
    // One that was made after the verification began is for the next.
    if (this.#head !== undefined && stored.number > this.#head.checkpoint && stored.seq > this.#head.seq) return
    const before = this.#checkpoint
    const opened = open(this.#signer, 'checkpoint', stored)
    if (before !== undefined && stored.number > before.number + 1)
      this.#findings.add('checkpoint-missing', this.#vouched + 1, Math.max(this.#vouched + 1, stored.seq), this.#at)
    const said = opened.state === 'bad' ? undefined : opened.statement
    const isItself = said !== undefined && said.number === stored.number && said.seq === stored.seq && said.at === stored.at
    const follows =
      before === undefined || before.digest === '' || stored.number !== before.number + 1 || said?.previous === before.digest
    this.#checkpoint = { number: stored.number, digest: digest('checkpoint', stored.body) }
    if (!isItself || !follows) {
      this.#findings.add('checkpoint-forged', stored.seq, stored.seq, this.#at)
      return
    }
    if (opened.state === 'unknown-key') this.#unchecked++
    else {
      this.#good++
      this.#compare('rewritten', said.seq, said.hash)
    }
  }

  /** The head says which checkpoint was the last. */
  #checkLastCheckpoint(): void {
    if (this.#head === undefined) return
    const { checkpoint, checkpointSeq, checkpointHash } = this.#head
    const last = this.#checkpoint?.number ?? 0
    if (last < checkpoint) this.#findings.add('checkpoint-missing', checkpointSeq, checkpointSeq, this.#at)
    else if (
      last === checkpoint &&
      checkpoint > 0 &&
      this.#checkpoint!.digest !== '' &&
      this.#checkpoint!.digest !== checkpointHash
    )
      this.#findings.add('checkpoint-forged', checkpointSeq, checkpointSeq, this.#at)
  }

  /** Entries behind the head, unless they were written meanwhile. */
  async #lookBehind(through: number): Promise<void> {
    if (this.#head === undefined) return
    const { head, lastSeq } = await this.#store.state()
    const opened = head && open(this.#signer, 'head', head)
    const end = opened?.state === 'good' ? opened.statement.seq : through
    if (lastSeq > end) this.#findings.add('added', end + 1, lastSeq, this.#at)
  }
}

/** Whether searches find an entry by what it says. */
function areColumnsOf(entry: StoredEntry): boolean {
  const draft = parseBody(entry.body)!
  const { at, type, sessionId, subjectKey, actorKey } = columnsOf(draft)
  return (
    at === entry.at &&
    type === entry.type &&
    sessionId === entry.sessionId &&
    subjectKey === entry.subjectKey &&
    actorKey === entry.actorKey
  )
}
