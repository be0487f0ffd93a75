/** People at work on a site while its servers fail: what was acknowledged to them, what they were refused, and how long they waited. */
import type { Sessions } from 'sojourn'
import { tokenOf } from '../../core/support.ts'
import { HOSTILE, someId } from './support.ts'

/** What must hold afterwards. */
export interface Acknowledged {
  /** Tokens of sessions that were started, and that nobody tried to end. */
  readonly started: string[]
  /** Tokens of sessions whose end was acknowledged. */
  readonly ended: string[]
}

export class Load {
  readonly acknowledged: Acknowledged = { started: [], ended: [] }
  readonly faults: unknown[] = []
  longestCall = 0
  calls = 0
  readonly #sessions: Sessions
  readonly #work: Promise<unknown>
  #isOver = false

  constructor(sessions: Sessions, people = 12) {
    this.#sessions = sessions
    this.#work = Promise.all(Array.from({ length: people }, () => this.#person()))
  }

  /** Resolves once everybody's last call is done. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#work
  }

  async #person(): Promise<void> {
    while (!this.#isOver) {
      try {
        const subject = HOSTILE + someId()
        const session = await this.#timed(() => this.#sessions.signIn({ subject, method: 'pwd' }))
        session.data.basket = HOSTILE
        const token = await this.#timed(() => tokenOf(session))
        await this.#timed(() => this.#sessions.read(token))
        if (Math.random() < 0.5) {
          this.acknowledged.started.push(token)
        } else {
          const isById = Math.random() < 0.5
          await this.#timed<unknown>(async () => {
            if (isById) await this.#sessions.revoke(session.id!)
            else await this.#sessions.revokeSubject(subject)
          })
          this.acknowledged.ended.push(token)
        }
      } catch (error) {
        this.faults.push(error)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }

  async #timed<T>(call: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    try {
      return await call()
    } finally {
      this.calls++
      this.longestCall = Math.max(this.longestCall, performance.now() - startedAt)
    }
  }
}

/** Of what was acknowledged, how much does not hold: sessions that are lost or have lost their data, and ended ones that live. */
export async function broken(sessions: Sessions, { started, ended }: Acknowledged) {
  const count = async (tokens: readonly string[], isBroken: (session: Awaited<ReturnType<Sessions['read']>>) => boolean) => {
    let found = 0
    for (let i = 0; i < tokens.length; i += 200) {
      const some = await Promise.all(tokens.slice(i, i + 200).map((token) => sessions.read(token)))
      found += some.filter(isBroken).length
    }
    return found
  }
  return {
    lost: await count(started, (session) => session.state !== 'active' || session.data.basket !== HOSTILE),
    alive: await count(ended, (session) => session.state === 'active'),
  }
}
