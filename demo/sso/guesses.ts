/** How often a password may be guessed at Sojourn ID. In memory, as all of it; the shop's own sign-in uses `sojourn/stepup`. */
import { createHash } from 'node:crypto'
import { minutes, type Store } from 'sojourn'

const MOST = 10
const WINDOW = minutes(5)

export class Guesses {
  readonly #ledger: Store['ledger']

  constructor({ ledger }: Store) {
    this.#ledger = ledger
  }

  /** Counts a try. @returns How long nothing more is tried, in milliseconds; 0 when it may be. */
  async next(name: string): Promise<number> {
    const key = createHash('sha256').update(name.trim().toLowerCase()).digest('base64url')
    const count = await this.#ledger.count(`sso:guesses:${key}`, { now: Date.now(), window: WINDOW })
    return count > MOST ? WINDOW : 0
  }
}
