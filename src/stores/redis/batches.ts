import type { Argument, Replicated, Reply } from './port.ts'

/** What became of one command of a batch. */
export type Outcome = { readonly reply: unknown } | { readonly error: unknown }

interface Pending {
  readonly command: readonly Argument[]
  readonly resolve: (replicated: Replicated) => void
  readonly reject: (error: unknown) => void
}

const LARGEST_BATCH = 256

/**
 * Writes that wait for replicas together. `WAIT` holds up its connection for as long as a replica needs to answer; so what comes in
 * meanwhile is sent as one batch with one `WAIT` behind it, and a slow replica costs each write time but the site no throughput.
 */
export class Batches {
  readonly #send: (commands: readonly (readonly Argument[])[]) => Promise<readonly Outcome[]>
  #pending: Pending[] = []
  #isSending = false

  /** @param send - Sends commands and a `WAIT` over one connection, and gives what became of each, the `WAIT` last. */
  constructor(send: (commands: readonly (readonly Argument[])[]) => Promise<readonly Outcome[]>) {
    this.#send = send
  }

  add(command: readonly Argument[]): Promise<Replicated> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ command, resolve, reject })
      if (!this.#isSending) this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#isSending = true
    // What is asked for in the same moment goes into the first batch.
    await undefined
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, LARGEST_BATCH)
      try {
        settle(batch, await this.#send(batch.map(({ command }) => command)))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isSending = false
  }
}

function settle(batch: readonly Pending[], outcomes: readonly Outcome[]): void {
  const waited = outcomes[batch.length] ?? { error: new Error('the connection was closed') }
  for (const [index, { resolve, reject }] of batch.entries()) {
    const written = outcomes[index]!
    if ('error' in written) reject(written.error)
    else if ('error' in waited) reject(waited.error)
    else resolve({ reply: written.reply as Reply, replicas: Number(waited.reply) })
  }
}
