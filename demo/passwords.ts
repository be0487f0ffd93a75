/** Password hashing with argon2id, a few at a time: each costs 19 MiB and a thread, so a crowd at the door must queue, not multiply. */
import { hash, verify } from '@node-rs/argon2'

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane. The package's default algorithm is argon2id. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

const AT_ONCE = 2
const LONGEST_QUEUE = 64

/** Too many people are signing in at this moment. */
export class PasswordsBusyError extends Error {
  readonly status = 503
}

/** One per process: it owns the queue. */
export class Passwords {
  #running = 0
  readonly #waiting: (() => void)[] = []

  hash(password: string): Promise<string> {
    return this.#inTurn(() => hash(normalised(password), COST))
  }

  verify(passwordHash: string, password: string): Promise<boolean> {
    return this.#inTurn(() => verify(passwordHash, normalised(password)))
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < AT_ONCE) this.#running += 1
    else if (this.#waiting.length < LONGEST_QUEUE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else throw new PasswordsBusyError('Many people are signing in just now.')
    try {
      return await work()
    } finally {
      // The place is handed on, so the count stays; nobody can slip in between.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}

/** The same password typed on another keyboard may be other code points (NIST SP 800-63B-4, 3.1.1.2). */
function normalised(password: string): string {
  return password.normalize('NFKC')
}
