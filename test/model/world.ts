/** One history on the real service and on the reference at once. */
import { hours, minutes, seconds } from '../../src/core/duration.ts'
import { isSojournError } from '../../src/core/errors.ts'
import type { Session } from '../../src/core/session.ts'
import { createSessions, type Sessions } from '../../src/core/sessions.ts'
import type { Store } from '../../src/core/store.ts'
import type { TokenInstruction } from '../../src/core/unit-of-work.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { POLICY, Reference, type RefSession, type RefToken } from './reference.ts'

export const ADVANCES = [
  seconds(1),
  POLICY.rotationGrace - 1,
  POLICY.rotationGrace,
  minutes(15),
  minutes(39),
  minutes(40),
  hours(26),
]
export const SUBJECTS = ['ada', 'grace']
const METHODS = ['x0', 'x1', 'x2']

export type Fault = 'lost-reply' | 'duplicate' | undefined

/** `which` picks among what there is: a token ever issued, a session, a subject. */
export type Action =
  | { do: 'start' | 'signIn'; which: number; fault: Fault }
  | { do: 'visit' | 'put' | 'count' | 'rotate' | 'privilege' | 'signOut'; which: number; fault: Fault }
  | { do: 'elevate' | 'signInWith'; which: number; how: number; fault: Fault }
  | { do: 'revoke' | 'revokeSubject' | 'revokeOthers'; which: number; fault: Fault }
  | { do: 'open' | 'finish'; which: number; fault: Fault }
  | { do: 'advance'; which: number }
  | { do: 'purge' }

interface SlowWrite {
  readonly session: Session
  readonly token: RefToken
  readonly key: string
}

export class World {
  readonly #clock = fakeClock()
  readonly #store
  readonly #sessions: Sessions<Record<string, number>>
  readonly #reference = new Reference(this.#clock())
  readonly #issued: RefToken[] = []
  readonly #slow: SlowWrite[] = []
  #keys = 0

  constructor(store: Store) {
    this.#store = faultyStore(store)
    this.#sessions = createSessions({
      store: this.#store,
      keys: 'G_83vSHb90P-P6U7UJNQ0fqZ-fgSOE7mJiMvJmEZG0g',
      clock: this.#clock,
      policy: POLICY,
      purgeInterval: 0,
    }) as Sessions<Record<string, number>>
  }

  async run(actions: readonly Action[]): Promise<void> {
    for (const action of actions) {
      await this.#act(action)
      this.#store.setFaults({})
      await this.#compareLists()
    }
  }

  async #act(action: Action): Promise<void> {
    switch (action.do) {
      case 'advance':
        this.#reference.now = this.#clock.advance(ADVANCES[action.which % ADVANCES.length]!)
        return
      case 'purge':
        await this.#sessions.purge()
        this.#reference.purge()
        return
      case 'start':
        return this.#start(action.fault)
      case 'signIn':
        return this.#signIn(await this.#anonymous(), undefined, action)
      case 'revoke':
        return this.#revoke(action)
      case 'revokeSubject':
        return this.#revokeSubject(SUBJECTS[action.which % SUBJECTS.length]!, action.fault)
      case 'finish':
        return this.#finish(action.which)
      default:
        return this.#request(action)
    }
  }

  /** A request with any token ever issued: read, do something, answer. */
  async #request(action: Extract<Action, { which: number; fault: Fault }>): Promise<void> {
    const token = this.#issued[action.which % this.#issued.length]
    if (token === undefined) return
    const expected = this.#reference.stateOf(token)
    const isLost = this.#fault('update', action.fault)
    const reading = this.#sessions.read(token.value, { isActivity: false })
    if (expected === 'active' && this.#reference.isFirstUse(token)) {
      token.usedAt = this.#reference.now
      if (isLost) return this.#fails(reading, 'ERR_STORE_UNAVAILABLE')
    } else if (expected === 'active' && token.usedAt === undefined) {
      token.usedAt = this.#reference.isCurrent(token) || token.session.tokens[0] === token ? token.usedAt : this.#reference.now
    }
    const session = await reading
    this.#compare('state', session.state, expected)
    if (expected === 'reused') token.session.ended = 'reuse'
    if (expected !== 'active') {
      if (action.do === 'signInWith') return this.#signIn(session, undefined, action)
      this.#compare('cookie', (await session.commit()).kind, 'none')
      return
    }
    this.#compare(
      'methods',
      [...session.facts]
        .map(({ method }) => method)
        .sort()
        .join(),
      [...token.methods].sort().join(),
    )
    this.#compare('data', JSON.stringify(sorted(session.data)), JSON.stringify(sorted(token.session.data)))
    await this.#handle(session, token, action, isLost)
  }

  async #handle(
    session: Session<Record<string, number>>,
    token: RefToken,
    action: Action & { which: number },
    isLost: boolean,
  ): Promise<void> {
    const reference = this.#reference
    const ref = token.session
    switch (action.do) {
      case 'visit':
        return this.#commit(session, token, isLost)
      case 'open':
        this.#slow.push({ session, token, key: `slow${this.#keys++}` })
        return
      case 'put': {
        const key = `key${this.#keys++}`
        session.data[key] = 1
        ref.data[key] = 1
        return this.#commit(session, token, isLost, true)
      }
      case 'count': {
        const counting = session.update((data) => {
          data.count = (data.count ?? 0) + 1
        })
        ref.data.count = (ref.data.count ?? 0) + 1
        if (isLost) return this.#fails(counting, 'ERR_STORE_UNAVAILABLE')
        await counting
        return this.#commit(session, token, false)
      }
      case 'rotate':
      case 'privilege': {
        const isPrivilegeChange = action.do === 'privilege'
        const rotating = session.rotate({ isPrivilegeChange })
        if (reference.isBeforeElevation(token)) return this.#fails(rotating, 'ERR_ROTATION_PENDING')
        if (!isPrivilegeChange && !reference.isCurrent(token)) {
          await rotating
          return this.#commit(session, token, isLost)
        }
        await this.#rotated(session, token, rotating, isPrivilegeChange ? 'elevation' : 'renewal', token.methods, isLost)
        return
      }
      case 'elevate': {
        const method = METHODS[(action as { how: number }).how % METHODS.length]!
        const rotating = session.elevate({ method })
        if (ref.subject === undefined) return this.#fails(rotating, 'ERR_SESSION_ENDED')
        const isMade = await this.#rotated(
          session,
          token,
          rotating,
          'elevation',
          [...new Set([...token.methods, method])],
          isLost,
        )
        if (isMade) ref.absoluteFrom = reference.now
        return
      }
      case 'signOut': {
        const isUnacknowledged = this.#fault('revoke', (action as { fault: Fault }).fault)
        const signingOut = session.signOut()
        ref.ended = 'logout'
        if (isUnacknowledged) return this.#fails(signingOut, 'ERR_STORE_UNAVAILABLE')
        await signingOut
        this.#compare('cookie', (await session.commit()).kind, 'clear')
        return
      }
      case 'signInWith':
        return this.#signIn(session, ref, action as Extract<Action, { do: 'signInWith' }>)
      case 'revokeOthers': {
        if (ref.subject === undefined) return this.#fails(session.revokeOthers(), 'ERR_SESSION_ENDED')
        const others = reference.liveOf(ref.subject).filter((one) => one !== ref)
        const count = await session.revokeOthers()
        this.#compare('revoked', count, others.length)
        this.#endAll(ref.subject, ref)
        return
      }
    }
  }

  async #rotated(
    session: Session<Record<string, number>>,
    token: RefToken,
    rotating: Promise<void>,
    made: 'renewal' | 'elevation',
    methods: readonly string[],
    isLost: boolean,
  ): Promise<boolean> {
    const next = this.#reference.rotate(token.session, made, methods)
    if (next === undefined) {
      await this.#fails(rotating, 'ERR_ROTATION_PENDING')
      return false
    }
    token.session.lastSeenAt = this.#reference.now
    if (isLost) {
      await this.#fails(rotating, 'ERR_STORE_UNAVAILABLE')
      return true
    }
    await rotating
    this.#learn(next, await session.commit())
    return true
  }

  /** The end of a request: a renewal where one is due, else the successor its bearer is entitled to. */
  async #commit(session: Session<Record<string, number>>, token: RefToken, isLost: boolean, writes = false): Promise<void> {
    const reference = this.#reference
    const renewed = reference.isRenewalDue(token) ? reference.rotate(token.session, 'renewal', token.methods) : undefined
    const committing = Promise.resolve(session.commit())
    if (isLost && (writes || renewed !== undefined)) return this.#fails(committing, 'ERR_STORE_UNAVAILABLE')
    const answer = await committing
    const expected = renewed ?? (reference.isCurrent(token) ? undefined : reference.successorOf(token))
    if (expected === undefined) this.#compare('cookie', answer.kind, 'none')
    else this.#learn(expected, answer)
  }

  /** A slow request comes to its end, whatever happened since it was read. */
  async #finish(which: number): Promise<void> {
    const [slow] = this.#slow.splice(which % Math.max(1, this.#slow.length), 1)
    if (slow === undefined) return
    const { session, token, key } = slow
    const ref = token.session
    session.data[key] = 1
    const committing = Promise.resolve(session.commit() as TokenInstruction | Promise<TokenInstruction>)
    const reference = this.#reference
    if (ref.ended !== undefined || ref.isPurged || reference.hasExpired(ref)) return this.#fails(committing, 'ERR_SESSION_ENDED')
    ref.data[key] = 1
    const renewed = reference.isRenewalDue(token) ? reference.rotate(ref, 'renewal', token.methods) : undefined
    const answer = await committing
    const isForgotten = reference.isReused(token)
    const successor = renewed ?? (isForgotten || reference.isCurrent(token) ? undefined : reference.successorOf(token))
    if (renewed !== undefined) this.#compare('cookie', answer.kind, 'set')
    // Whether it still carries a successor depends on when it was read last; it never carries anything else.
    if (answer.kind === 'set' && successor !== undefined) this.#learn(successor, answer)
    else this.#compare('cookie', answer.kind, 'none')
  }

  async #anonymous(): Promise<Session<Record<string, number>>> {
    return this.#sessions.anonymous({ isActivity: false })
  }

  async #start(fault: Fault): Promise<void> {
    const isLost = this.#fault('create', fault)
    const starting = this.#sessions.start({ data: { kept: 1 }, context: { isActivity: false } })
    const token = this.#reference.begin(undefined, [], { kept: 1 })
    if (isLost) return this.#fails(starting, 'ERR_STORE_UNAVAILABLE')
    await this.#begun(token, await starting)
  }

  async #signIn(
    session: Session<Record<string, number>>,
    replaced: RefSession | undefined,
    action: { which: number; fault: Fault },
  ): Promise<void> {
    const subject = SUBJECTS[action.which % SUBJECTS.length]!
    const isLost = this.#fault('create', action.fault)
    const signingIn = session.signIn({ subject, method: 'pwd', keep: ['kept'] })
    const isCarried = replaced !== undefined && (replaced.subject === undefined || replaced.subject === subject)
    const kept = isCarried ? replaced.data.kept : undefined
    if (replaced !== undefined) replaced.ended = 'replaced'
    const token = this.#reference.begin(subject, ['pwd'], kept === undefined ? {} : { kept })
    if (isLost) return this.#fails(signingIn, 'ERR_STORE_UNAVAILABLE')
    await signingIn
    await this.#begun(token, session)
  }

  async #begun(token: RefToken, session: Session<Record<string, number>>): Promise<void> {
    token.session.id = session.id
    this.#learn(token, await session.commit())
  }

  async #revoke({ which, fault }: { which: number; fault: Fault }): Promise<void> {
    const known = this.#reference.sessions.filter(({ id }) => id !== undefined)
    const ref = known[which % Math.max(1, known.length)]
    if (ref === undefined) return
    const isLost = this.#fault('revoke', fault)
    const revoking = this.#sessions.revoke(ref.id!)
    const isLive = ref.ended === undefined && !ref.isPurged
    if (isLive) ref.ended = 'revoked'
    if (isLive && isLost) return this.#fails(revoking, 'ERR_STORE_UNAVAILABLE')
    if (isLost) await revoking.catch(() => {})
    else this.#compare('revoked', await revoking, isLive)
  }

  async #revokeSubject(subject: string, fault: Fault): Promise<void> {
    const isLost = this.#fault('revokeSubject', fault)
    const live = this.#reference.liveOf(subject)
    const revoking = this.#sessions.revokeSubject(subject)
    this.#endAll(subject, undefined)
    if (isLost) return this.#fails(revoking, 'ERR_STORE_UNAVAILABLE')
    this.#compare('revoked', await revoking, live.length)
  }

  #endAll(subject: string, except: RefSession | undefined): void {
    for (const session of this.#reference.sessions) {
      if (session.subject === subject && session !== except && !session.isPurged) session.ended ??= 'revoked'
    }
  }

  async #compareLists(): Promise<void> {
    for (const subject of SUBJECTS) {
      this.#compare(
        `live sessions of ${subject}`,
        (await this.#sessions.list(subject)).length,
        this.#reference.liveOf(subject).length,
      )
    }
  }

  /** Plans a fault for the first such call; says whether its answer will be lost. */
  #fault(operation: 'update' | 'create' | 'revoke' | 'revokeSubject', fault: Fault): boolean {
    this.#store.setFaults(fault === undefined ? {} : { [operation]: [{ kind: fault }] })
    return fault === 'lost-reply'
  }

  #learn(token: RefToken, { kind, token: value }: TokenInstruction): void {
    this.#compare('cookie', kind, 'set')
    if (token.value !== undefined) this.#compare('token', value, token.value)
    if (token.value === undefined) this.#issued.push(token)
    token.value = value
  }

  async #fails(work: Promise<unknown>, code: Parameters<typeof isSojournError>[1]): Promise<void> {
    const error: unknown = await work.then(
      () => 'no error',
      (thrown: unknown) => thrown,
    )
    if (!isSojournError(error, code)) throw new Error(`expected ${code}, got ${String(error)}`)
  }

  #compare(what: string, real: unknown, expected: unknown): void {
    if (real !== expected) throw new Error(`${what}: the service says ${String(real)}, the reference ${String(expected)}`)
  }
}

const sorted = (data: Record<string, number>) => Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1))
