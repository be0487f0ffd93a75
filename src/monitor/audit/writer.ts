/**
 * Writes batches, one after another within this process; between processes the store's transaction decides. Each batch has a random name that the store keeps for a while:
 * a writer that lost the answer asks again with the same name, and finds out whether it was written. So nothing is there twice.
 */
import type { Random } from '../../core/crypto.ts'
import type { AuditState, AuditStore, StoredCheckpoint, StoredEntry } from './audit-store.ts'
import { type ChainRules, extend, type Request, type Tampering } from './chain.ts'

/** What a batch became. */
export interface Written {
  readonly firstSeq: number
  /** As they are kept; empty when the batch was there already. */
  readonly entries: readonly StoredEntry[]
}

/** What a writer tells of. */
export interface WriterEvents {
  readonly checkpointed: (checkpoint: StoredCheckpoint) => void
  readonly tampered: (what: Tampering, seq: number) => void
}

const NAMES_KEPT = 100

export class Writer {
  readonly #store: Pick<AuditStore, 'append'>
  readonly #rules: ChainRules
  readonly #random: Random
  readonly #events: WriterEvents
  #last: Promise<unknown> = Promise.resolve()
  #remembered: string | undefined

  constructor(store: Pick<AuditStore, 'append'>, rules: ChainRules, random: Random, events: WriterEvents) {
    this.#store = store
    this.#rules = rules
    this.#random = random
    this.#events = events
  }

  /** A new name for a batch. */
  newName(): string {
    return Buffer.from(this.#random(8)).toString('base64url')
  }

  /** Writes a batch; `undefined` when there was nothing to write. With the name of a batch that is there already it changes nothing. */
  write(name: string, request: Request): Promise<Written | undefined> {
    const work = this.#last.then(() => this.#write(name, request))
    this.#last = work.catch(() => {})
    return work
  }

  async #write(name: string, request: Request): Promise<Written | undefined> {
    let written: Written | undefined
    // What is told when it is certain: the engine may ask more than once.
    let afterwards: () => void = () => {}
    await this.#store.append((state) => {
      afterwards = () => {}
      const present = firstSeqOf(state, name)
      if (present !== undefined) {
        written = { firstSeq: present, entries: [] }
        return undefined
      }
      const extension = extend(this.#rules, state, request, this.#remembered)
      if (extension === undefined) {
        written = undefined
        return undefined
      }
      const { write, firstSeq, tampering } = extension
      written = { firstSeq, entries: write.entries.slice(-request.drafts.length) }
      afterwards = () => {
        this.#remembered = write.head?.body
        if (write.checkpoint !== undefined) this.#events.checkpointed(write.checkpoint)
        if (tampering !== undefined) this.#events.tampered(tampering, firstSeq - 1)
      }
      return { ...write, batches: namesWith(state, name, firstSeq) }
    })
    afterwards()
    return written
  }
}

function firstSeqOf({ batches }: AuditState, name: string): number | undefined {
  const found = batches.split(' ').find((batch) => batch.startsWith(`${name}:`))
  return found === undefined ? undefined : Number(found.slice(name.length + 1))
}

const namesWith = ({ batches }: AuditState, name: string, firstSeq: number): string =>
  [...batches.split(' ').filter((batch) => batch !== ''), `${name}:${firstSeq}`].slice(-NAMES_KEPT).join(' ')
