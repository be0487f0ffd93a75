/** Plays the model's histories on the real service, so that the model cannot drift from the code. */
import { minutes, seconds } from '../../src/core/duration.ts'
import { isSojournError } from '../../src/core/errors.ts'
import type { Session as RealSession } from '../../src/core/session.ts'
import { createSessions, type Sessions } from '../../src/core/sessions.ts'
import type { TokenInstruction } from '../../src/core/unit-of-work.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { GatedStore, type Waiting } from './gated-store.ts'
import { GRACE, METHODS, maskOf, type TokenName } from './generations.ts'
import {
  type Bounds,
  loss,
  type Operation,
  protocol,
  type Request,
  type State,
  sends,
  stepsOf,
  theft,
  tick,
  without,
} from './protocol.ts'

const TICK = seconds(30) / GRACE

const twice = (...operations: Operation[]) => [...operations, ...operations]

/** Everything may happen. What ends a session is rarer, or histories would be short. */
export const REPLAYED: Bounds = {
  operations: [...twice('use', 'use', 'use', 'write', 'elevate', 'rotate', 'privilege'), 'signIn', 'signOut'],
  tabs: 3,
  rotations: Number.POSITIVE_INFINITY,
  proofs: 2,
  writes: 6,
  hasThief: true,
  isSlow: true,
  isPatient: false,
  mayOvertake: true,
}

/** A request on the real service, between two steps. */
interface RealRequest {
  readonly reading: Promise<RealSession>
  readonly waiting: Waiting | undefined
  readonly session: RealSession | undefined
}

export class Replay {
  readonly history: string[] = []
  #state: State = protocol(REPLAYED).initial
  readonly #gate = new GatedStore()
  readonly #clock = fakeClock()
  readonly #sessions: Sessions
  readonly #random: (below: number) => number
  readonly #tokens = new Map<TokenName, string>()
  readonly #under = new Map<number, RealRequest>()

  constructor(seed: number) {
    const bytes = seededRandom(seed)
    this.#random = (below) => Math.floor((Buffer.from(bytes(4)).readUInt32BE() / 2 ** 32) * below)
    this.#sessions = createSessions({
      store: this.#gate.store,
      keys: 'G_83vSHb90P-P6U7UJNQ0fqZ-fgSOE7mJiMvJmEZG0g',
      clock: this.#clock,
      random: seededRandom(seed + 1),
      policy: { rotationGrace: GRACE * TICK, rotateAfter: 2 * GRACE * TICK, idleTimeout: minutes(600) },
      purgeInterval: 0,
    })
  }

  /** Signs in, takes `steps` random steps, and compares model and service after each. */
  async run(steps: number): Promise<void> {
    const signingIn = this.#sessions.signIn({ subject: 'ada', method: 'pwd' })
    await this.#finish(signingIn)
    this.#know('as1', (await (await signingIn).commit()).token)
    for (let i = 0; i < steps; i++) await this.#step()
  }

  async #step(): Promise<void> {
    const { requests } = this.#state
    const isConfirming = requests.some(({ phase }) => phase === 'confirming')
    const choice = this.#random(10)
    if (requests.length > 0 && choice < 6) return this.#advance(requests[this.#random(requests.length)]!)
    // The clock stands still between the two halves of one read, as it all but does in a service.
    if (choice === 6 && !isConfirming) {
      this.#clock.advance(TICK)
      return this.#take('tick', tick(this.#state, REPLAYED))
    }
    if (choice === 7 && !this.#state.hasStolen && this.#state.jar !== '') {
      const step = theft(this.#state)
      return this.#take(step.label, step.next)
    }
    const isThiefs = this.#random(3) === 0
    const sent = [...sends(this.#state, REPLAYED)].filter(({ label }) => label.startsWith('thief') === isThiefs)
    const step = sent[this.#random(sent.length)]
    if (step === undefined) return
    this.#take(step.label, step.next)
    // Names of requests are used again.
    for (const { id } of step.next.requests) if (!requests.some((one) => one.id === id)) this.#under.delete(id)
  }

  async #advance(one: Request): Promise<void> {
    if (one.phase !== 'sent' && this.#random(8) === 0) {
      const step = loss(this.#state, one)
      return this.#take(step.label, step.next)
    }
    switch (one.phase) {
      case 'sent':
        return this.#read(one)
      case 'confirming':
        return this.#confirm(one)
      case 'handling':
        return this.#handle(one)
      case 'answered': {
        const [step] = stepsOf(one, without(this.#state, one), REPLAYED)
        return this.#take(step!.label, step!.next)
      }
    }
  }

  async #read(one: Request): Promise<void> {
    if (one.token === '') {
      const session = this.#sessions.anonymous({ isActivity: false })
      this.#under.set(one.id, { reading: Promise.resolve(session), waiting: undefined, session })
    } else {
      // After a conflict the service is already waiting for its second read.
      const reading = this.#under.get(one.id)?.reading ?? this.#sessions.read(this.#tokens.get(one.token), { isActivity: false })
      const first = this.#under.get(one.id)?.waiting ?? (await this.#gate.untilCall(reading))
      first!.release()
      await this.#settle(one, reading)
    }
    await this.#follow(one)
  }

  async #confirm(one: Request): Promise<void> {
    const { reading, waiting } = this.#under.get(one.id)!
    waiting!.release()
    await this.#settle(one, reading)
    await this.#follow(one)
  }

  /** Goes on until the read waits for its next call, or is done. The revocation of a reused session is part of its read. */
  async #settle(one: Request, reading: Promise<RealSession>): Promise<void> {
    let waiting = await this.#gate.untilCall(reading)
    if (waiting?.operation === 'revoke') {
      waiting.release()
      waiting = await this.#gate.untilCall(reading)
    }
    this.#under.set(one.id, { reading, waiting, session: waiting === undefined ? await reading : undefined })
  }

  /** Takes the model's step and compares: what the token was, what it may do, what is waited for. */
  async #follow(one: Request): Promise<void> {
    const [step] = stepsOf(one, without(this.#state, one), REPLAYED)
    this.#take(step!.label, step!.next)
    const { session, waiting } = this.#under.get(one.id)!
    const then = this.#state.requests.find(({ id }) => id === one.id)
    const isAccepted = then?.judgement !== undefined && then.phase === 'handling'
    const expected = then?.phase === 'confirming' ? 'update' : then?.phase === 'sent' ? 'read' : undefined
    this.#compare('waits for', waiting?.operation, expected)
    if (expected !== undefined) return
    this.#compare('is active', session!.state === 'active', isAccepted)
    if (isAccepted) this.#compare('facts', maskOf(session!.facts), then.judgement.facts)
    if (step!.label.endsWith('reused')) this.#compare('state', session!.state, 'reused')
    if (then === undefined || then.phase === 'answered') await this.#compareAnswer(one, then, await this.#answerOf(one, session!))
  }

  async #handle(one: Request): Promise<void> {
    const { session } = this.#under.get(one.id)!
    const answering = this.#answerOf(one, session!)
    const calls: string[] = []
    for (let call = await this.#gate.untilCall(answering); call !== undefined; call = await this.#gate.untilCall(answering)) {
      calls.push(call.operation)
      call.release()
    }
    const answer = await answering
    let then: Request | undefined = one
    while (then?.phase === 'handling') {
      const steps = stepsOf(then, without(this.#state, then), REPLAYED)
      const isReloading = calls.includes('read')
      const step = steps.length > 1 ? steps[isReloading ? 1 : 0]! : steps[0]!
      this.#take(step.label, step.next)
      then = this.#state.requests.find(({ id }) => id === one.id)
    }
    await this.#compareAnswer(one, then, answer)
  }

  /** What the handler of each operation does on the real session, and its answer. */
  async #answerOf(one: Request, session: RealSession): Promise<TokenInstruction> {
    const method = METHODS[Math.log2(one.bit)] ?? 'pwd'
    try {
      if (session.state !== 'active' && one.operation !== 'signIn' && one.operation !== 'signOut') return await session.commit()
      if (one.operation === 'elevate') await session.elevate({ method })
      if (one.operation === 'rotate') await session.rotate()
      if (one.operation === 'privilege') await session.rotate({ isPrivilegeChange: true })
      if (one.operation === 'signOut') await session.signOut()
      if (one.operation === 'signIn') await session.signIn({ subject: 'ada', method: 'pwd' })
      if (one.operation === 'write') session.data[`bit${one.bit}`] = true
      return await session.commit()
    } catch (error) {
      if (isSojournError(error, 'ERR_ROTATION_PENDING')) return session.commit()
      if (isSojournError(error, 'ERR_SESSION_ENDED')) return { kind: 'none', isLogout: false }
      throw error
    }
  }

  async #compareAnswer(one: Request, then: Request | undefined, answer: TokenInstruction): Promise<void> {
    const expected = then === undefined ? 'none' : then.clears ? 'clear' : 'set'
    this.#compare('cookie', answer.kind, expected)
    if (then !== undefined && expected === 'set') this.#know(then.token, answer.token)
    if (one.operation === 'write') await this.#compareData()
  }

  /** The data as the model has it, read with the current token. */
  async #compareData(): Promise<void> {
    const { a, b } = this.#state.sessions
    for (const { record, data } of [a, ...(b ? [b] : [])]) {
      const token = record && this.#tokens.get(record.current)
      // Only where reading changes nothing: the first use of a token is the model's to choose.
      if (token === undefined || (record!.usedAge === -1 && record!.lineage.length > 0)) continue
      const reading = this.#sessions.read(token, { isActivity: false })
      await this.#finish(reading)
      const kept = Object.keys((await reading).data).reduce((mask, key) => mask | Number(key.slice(3)), 0)
      this.#compare('data', kept, data)
    }
  }

  async #finish(work: Promise<unknown>): Promise<void> {
    for (let call = await this.#gate.untilCall(work); call !== undefined; call = await this.#gate.untilCall(work)) call.release()
  }

  /** One name, one token, for ever. */
  #know(name: TokenName, token: string | undefined): void {
    const known = this.#tokens.get(name)
    if (known !== undefined) this.#compare(`token ${name}`, token, known)
    else if (token === undefined || [...this.#tokens.values()].includes(token))
      throw this.#differs(`token ${name}`, token, 'a new one')
    else this.#tokens.set(name, token)
  }

  #take(label: string, next: State): void {
    this.history.push(label)
    this.#state = next
  }

  #compare(what: string, real: unknown, model: unknown): void {
    if (real !== model) throw this.#differs(what, real, model)
  }

  #differs(what: string, real: unknown, model: unknown): Error {
    return new Error(
      `${what}: the service says ${String(real)}, the model ${String(model)}, after\n  ${this.history.join('\n  ')}`,
    )
  }
}
