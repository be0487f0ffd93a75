/**
 * The protocol as a state machine: server steps, answers under way, one browser's jar, one thief. What decides is the real code
 * (`generations.ts`); what is modelled here is only the order in which `reading.ts`, `session.ts` and `starting.ts` read and write,
 * and `replay.test.ts` compares that with the real service step by step.
 */
import { MOST_GENERATIONS } from '../../src/core/record.ts'
import type { Space, Step } from './explore.ts'
import {
  aged,
  factsGiven,
  GRACE,
  generationOf,
  howMade,
  isDue,
  judge,
  type ModelJudgement,
  type ModelRecord,
  rotated,
  startRecord,
  type TokenName,
  withFirstUse,
  withProof,
} from './generations.ts'

export type Operation = 'use' | 'write' | 'elevate' | 'rotate' | 'privilege' | 'signOut' | 'signIn'
type Party = 'owner' | 'thief'

/** What may happen, and how often. Everything not bounded here happens any number of times. */
export interface Bounds {
  readonly operations: readonly Operation[]
  /** Requests of the owner under way at once: tabs. */
  readonly tabs: number
  /** Tokens made after the first. */
  readonly rotations: number
  readonly proofs: number
  readonly writes: number
  readonly hasThief: boolean
  /** Whether a handler may take longer than the grace. */
  readonly isSlow: boolean
  /** Only renewals on request later than the grace after the token's first use. */
  readonly isPatient: boolean
  /** Whether an answer may be overtaken by a later elevation or sign-in (docs/decisions/0002-rotation.md, "The boundary"). */
  readonly mayOvertake: boolean
}

export interface Request {
  readonly key: string
  /** Tells it from the others under way; no part of its key. */
  readonly id: number
  readonly party: Party
  readonly operation: Operation
  /** sent, being confirmed, in the handler, or its answer under way. */
  readonly phase: 'sent' | 'confirming' | 'handling' | 'answered'
  /** The token it brought; in `answered`, the one it takes back. Empty: none. */
  readonly token: TokenName
  /** Ticks since it was sent, judged, or answered. */
  readonly age: number
  /** Whether the record is still as it read it: its conditional write succeeds. */
  readonly isFresh: boolean
  readonly judgement: Exclude<ModelJudgement, { kind: 'reused' }> | undefined
  /** Proof or datum it carries. */
  readonly bit: number
  readonly clears: boolean
}

export interface Session {
  readonly record: ModelRecord | undefined
  /** Why it ended, when it has. */
  readonly ended: '' | 'reuse' | 'logout' | 'replaced'
  readonly data: number
}

export interface State {
  /** Session `a`, and `b` once the person signed in again. */
  readonly sessions: { readonly a: Session; readonly b: Session | undefined }
  readonly jar: TokenName
  readonly requests: readonly Request[]
  readonly thief: readonly TokenName[]
  readonly hasStolen: boolean
  /** For each generation of `a`, ticks since a request with it was first accepted; -1 never. What the rules go by, whatever the record says. */
  readonly used: readonly number[]
  readonly proofsGiven: number
  readonly writesSent: number
  /** Writes the browser was told of. */
  readonly acknowledged: number
  /** The latest generation of `a` the jar has held; of `b`, any. */
  readonly held: number
  readonly hasHeldB: boolean
  /** An answer from before an elevation or sign-in came after the later token was used. */
  readonly isOvertaken: boolean
}

const START: State = {
  sessions: { a: { record: startRecord('a', 1), ended: '', data: 0 }, b: undefined },
  jar: 'as1',
  requests: [],
  thief: [],
  hasStolen: false,
  used: [0],
  proofsGiven: 0,
  writesSent: 0,
  acknowledged: 0,
  held: 0,
  hasHeldB: false,
  isOvertaken: false,
}

const keyOfSession = (session: Session | undefined) =>
  session === undefined ? '' : `${session.record?.key ?? session.ended}/${session.data}`

export function keyOf(state: State): string {
  const requests = state.requests.map((request) => request.key).join(';')
  const flags = `${Number(state.hasStolen)}${state.proofsGiven}${state.writesSent}${state.acknowledged}${state.held}${Number(state.hasHeldB)}${Number(state.isOvertaken)}`
  return `${keyOfSession(state.sessions.a)}|${keyOfSession(state.sessions.b)}|${state.jar}|${requests}|${state.thief.join(',')}|${state.used.join(',')}|${flags}`
}

export function protocol(bounds: Bounds): Space<State> {
  return { initial: START, keyOf, stepsFrom: (state) => stepsFrom(state, bounds) }
}

export function stepsFrom(state: State, bounds: Bounds): Step<State>[] {
  const steps: Step<State>[] = [...sends(state, bounds)]
  state.requests.forEach((request, index) => {
    if (index > 0 && state.requests[index - 1]!.key === request.key) return
    steps.push(...stepsOf(request, without(state, request), bounds))
    if (request.phase !== 'sent') steps.push(loss(state, request))
  })
  if (bounds.hasThief && !state.hasStolen && state.jar !== '') {
    steps.push(theft(state))
  }
  steps.push({ label: 'tick', next: tick(state, bounds) })
  return steps.map((step) => {
    const violation = step.violation ?? brokenBetween(state, step.next)
    return violation === step.violation ? step : { ...step, violation }
  })
}

/** The state without a request: every step of a request starts from there. */
export const without = (state: State, { id }: Request): State => ({
  ...state,
  requests: state.requests.filter((one) => one.id !== id),
})

/** A crash of the server, or an answer that never arrives. */
export const loss = (state: State, one: Request): Step<State> => ({
  label: `${one.party} ${one.operation}: lost`,
  next: without(state, one),
})

export const theft = (state: State): Step<State> => ({
  label: `thief copies ${state.jar}`,
  next: { ...state, hasStolen: true, thief: [state.jar] },
})

/** The rules that hold of every step, whatever it is. */
function brokenBetween(before: State, after: State): string | undefined {
  const [{ a }, { a: then }] = [before.sessions, after.sessions]
  if (a.ended !== '' && (then.ended !== a.ended || then.record !== undefined || then.data !== a.data)) {
    return 'M4: something of an ended session changed'
  }
  const isLost = then.record !== undefined && (after.acknowledged & ~then.data) !== 0
  return isLost ? 'data: an acknowledged write is gone' : undefined
}

const request = (fields: Omit<Request, 'key'>): Request => {
  const { party, operation, phase, token, age, isFresh, judgement, bit, clears } = fields
  const judged =
    judgement === undefined
      ? ''
      : judgement.kind === 'current'
        ? `c${judgement.facts}`
        : `p${judgement.facts}${judgement.successor}${Number(judgement.isBeforeElevation)}`
  return {
    ...fields,
    key: `${party[0]}${operation}${phase[0]}${token}.${age}${Number(isFresh)}${judged}.${bit}${Number(clears)}`,
  }
}

const withRequest = (state: State, added: Request): State => ({
  ...state,
  requests: [...state.requests, added].sort((a, b) => (a.key < b.key ? -1 : 1)),
})

export function* sends(state: State, bounds: Bounds): Generator<Step<State>> {
  const ids = state.requests.map(({ id }) => id)
  const fresh = {
    id: ids.length === 0 ? 0 : Math.max(...ids) + 1,
    phase: 'sent',
    age: 0,
    isFresh: false,
    judgement: undefined,
    clears: false,
  } as const
  const isRunning = (operation: Operation) => state.requests.some((one) => one.operation === operation)
  if (state.requests.filter(({ party }) => party === 'owner').length < bounds.tabs) {
    for (const operation of bounds.operations) {
      let next = state
      let bit = 0
      if (state.jar === '' && operation !== 'signIn') continue
      if (operation === 'elevate') {
        if (state.proofsGiven >= bounds.proofs) continue
        // Many are all of one kind, or there would be a state for each order of them.
        bit = bounds.proofs > 2 ? 2 : 2 << state.proofsGiven
        next = { ...state, proofsGiven: state.proofsGiven + 1 }
      }
      if (operation === 'write') {
        if (state.writesSent >= bounds.writes) continue
        bit = 1 << state.writesSent
        next = { ...state, writesSent: state.writesSent + 1 }
      }
      if (operation === 'signIn' && (state.sessions.b !== undefined || isRunning('signIn'))) continue
      yield {
        label: `owner ${operation} with ${state.jar || 'no token'}`,
        next: withRequest(next, request({ ...fresh, party: 'owner', operation, token: state.jar, bit })),
      }
    }
  }
  if (state.requests.some(({ party }) => party === 'thief')) return
  for (const token of state.thief) {
    for (const operation of bounds.operations.filter((name) => name === 'use' || name === 'rotate' || name === 'privilege')) {
      yield {
        label: `thief ${operation} with ${token}`,
        next: withRequest(state, request({ ...fresh, party: 'thief', operation, token, bit: 0 })),
      }
    }
  }
}

export function stepsOf(one: Request, rest: State, bounds: Bounds): Step<State>[] {
  switch (one.phase) {
    case 'sent':
      return [read(one, rest, bounds)]
    case 'confirming':
      return [confirm(one, rest, bounds)]
    case 'handling':
      return handle(one, rest, bounds)
    case 'answered':
      return [deliver(one, rest, bounds)]
  }
}

const sessionOf = (state: State, token: TokenName): Session | undefined =>
  token === '' ? undefined : token[0] === 'a' ? state.sessions.a : state.sessions.b

/** A write to the session of a token: whoever read it before will find its version changed. */
function write(state: State, letter: string, session: Session): State {
  const sessions = letter === 'a' ? { ...state.sessions, a: session } : { ...state.sessions, b: session }
  const requests = state.requests.map((one) =>
    one.isFresh && one.phase !== 'answered' && one.token[0] === letter ? request({ ...one, isFresh: false }) : one,
  )
  return { ...state, sessions, requests: requests.sort((a, b) => (a.key < b.key ? -1 : 1)) }
}

const answer = (state: State, one: Request, token: TokenName, clears = false): State =>
  token === '' && !clears
    ? one.operation === 'write'
      ? { ...state, acknowledged: state.acknowledged | one.bit }
      : state
    : withRequest(state, request({ ...one, phase: 'answered', token, age: 0, isFresh: false, judgement: undefined, clears }))

/** `readToken`: read, judge, and where the token's first use is to be written down, go on to do so. */
function read(one: Request, rest: State, bounds: Bounds): Step<State> {
  const label = `${one.party} ${one.operation}: read ${one.token}`
  const session = sessionOf(rest, one.token)
  if (session?.record === undefined) return { label: `${label}, refused`, next: refused(one, rest) }
  const judgement = judge(session.record, one.token)
  if (judgement.kind === 'reused') {
    const next = refused(one, write(rest, one.token[0]!, { ...session, record: undefined, ended: 'reuse' }))
    const isFalse = !rest.hasStolen && !rest.isOvertaken
    return { label: `${label}, reused`, next, violation: isFalse ? 'M1: the owner is taken for a thief' : undefined }
  }
  const outdated =
    one.token[0] === 'a' && rest.used.some((age, generation) => generation > generationOf(one.token) && age >= GRACE)
  const violation = outdated ? 'M2: two generations in use further apart than the grace' : entitlement(one, judgement)
  const isToBeConfirmed = withFirstUse(session.record, one.token, judgement) !== undefined
  const judged = request({ ...one, phase: isToBeConfirmed ? 'confirming' : 'handling', isFresh: true, judgement })
  return { label, next: isToBeConfirmed ? withRequest(rest, judged) : accept(judged, rest, bounds), violation }
}

/** The rest of a request whose token is no good: an anonymous visitor may sign in, and sign out of nothing. */
function refused(one: Request, rest: State): State {
  if (one.operation === 'signIn') return withRequest(rest, request({ ...one, phase: 'handling', token: '', age: 0 }))
  return one.operation === 'signOut' ? answer(rest, one, '', true) : rest
}

/** M3: whoever acts with a token acts with what it was given, and gets no token that was given more. */
function entitlement({ token }: Request, judgement: Exclude<ModelJudgement, { kind: 'reused' }>): string | undefined {
  if (judgement.facts !== factsGiven(token)) return `M3: ${token} acts with facts ${judgement.facts}`
  if (judgement.kind === 'current' || judgement.successor === '') return undefined
  const { successor } = judgement
  const isByRenewal = successor.startsWith(token) && !/[ex]/.test(successor.slice(token.length))
  return isByRenewal ? undefined : `M3: ${token} is given ${successor}`
}

function confirm(one: Request, rest: State, bounds: Bounds): Step<State> {
  const label = `${one.party} ${one.operation}: confirm ${one.token}`
  if (!one.isFresh)
    return { label: `${label}, conflict`, next: withRequest(rest, request({ ...one, phase: 'sent', judgement: undefined })) }
  const session = sessionOf(rest, one.token)!
  const written = write(rest, one.token[0]!, { ...session, record: withFirstUse(session.record!, one.token, one.judgement!)! })
  return { label, next: accept(one, written, bounds) }
}

function accept(one: Request, rest: State, bounds: Bounds): State {
  const generation = generationOf(one.token)
  const isFirst = one.token[0] === 'a' && (rest.used[generation] ?? -1) === -1
  const used = Array.from({ length: Math.max(rest.used.length, generation + 1) }, (_, i) => rest.used[i] ?? -1)
  const state = isFirst ? { ...rest, used: used.with(generation, 0) } : rest
  const isOver = one.operation === 'use' && !bounds.isSlow && !mayStillRenew(one, state, bounds)
  if (isOver) return answer(state, one, successorOf(one))
  return withRequest(state, request({ ...one, phase: 'handling', age: 0 }))
}

/** The derived successor that the answer carries, unless the handler took so long that the answer would come late. */
const successorOf = ({ judgement, age }: Request): TokenName =>
  judgement?.kind === 'predecessor' && age < GRACE ? judgement.successor : ''

const mayRotate = (record: ModelRecord, bounds: Bounds) => generationOf(record.current) < bounds.rotations

function mayStillRenew(one: Request, state: State, bounds: Bounds): boolean {
  const record = sessionOf(state, one.token)?.record
  return one.judgement?.kind === 'current' && record !== undefined && mayRotate(record, bounds) && isDue(record)
}

/** The handler's next write, or its end. */
function handle(one: Request, rest: State, bounds: Bounds): Step<State>[] {
  const label = `${one.party} ${one.operation}: `
  const session = sessionOf(rest, one.token)
  if (one.operation === 'signOut') {
    const ended = session!.ended || 'logout'
    return [
      {
        label: `${label}revoke`,
        next: answer(write(rest, one.token[0]!, { ...session!, record: undefined, ended }), one, '', true),
      },
    ]
  }
  if (one.operation === 'signIn') return [signIn(one, rest, session)]

  const { record } = session!
  const reload = () => reloaded(one, rest, session!, label)
  const isCurrent = one.judgement!.kind === 'current'
  switch (one.operation) {
    case 'use': {
      const end = { label: `${label}answer`, next: answer(rest, one, successorOf(one)) }
      // Whether a stale reading thought a renewal due is not remembered: both are explored.
      if (!one.isFresh) return isCurrent ? [end, reload()] : [end]
      return mayStillRenew(one, rest, bounds) ? [renew(one, rest, session!, label)] : [end]
    }
    case 'write': {
      if (!one.isFresh) return [reload()]
      const data = session!.data | one.bit
      if (mayStillRenew(one, rest, bounds)) return [renew(one, rest, { ...session!, data }, label)]
      return [{ label: `${label}write`, next: answer(write(rest, one.token[0]!, { ...session!, data }), one, successorOf(one)) }]
    }
    case 'rotate':
      if (!isCurrent) return [{ label: `${label}nothing to do`, next: answer(rest, one, successorOf(one)) }]
      if (!one.isFresh) return [reload()]
      if (bounds.isPatient && record!.lineage.length > 0 && record!.usedAge < 2 * GRACE) return []
      return mayRotate(record!, bounds) ? [renew(one, rest, session!, label)] : []
    case 'elevate':
    case 'privilege': {
      const isBehind = one.judgement!.kind === 'predecessor' && one.judgement!.isBeforeElevation
      if (isBehind && one.operation === 'privilege') return [{ label: `${label}pending`, next: rest }]
      if (!one.isFresh) return [reload()]
      if (!mayRotate(record!, bounds)) return []
      const facts = one.operation === 'elevate' ? withProof(one.judgement!.facts, one.bit) : one.judgement!.facts
      const next = rotated(record!, one.operation === 'elevate' ? 'e' : 'x', facts)
      if (next === undefined) return [{ label: `${label}pending`, next: answer(rest, one, successorOf(one)) }]
      const written = write(rest, one.token[0]!, { ...session!, record: next })
      return [{ label: `${label}${next.current}`, next: answer(written, one, next.current) }]
    }
  }
}

function renew(one: Request, rest: State, session: Session, label: string): Step<State> {
  const next = rotated(session.record!, 'r', session.record!.facts)
  const written = write(rest, one.token[0]!, { ...session, record: next ?? session.record })
  return { label: `${label}renew ${next?.current ?? 'refused'}`, next: answer(written, one, next?.current ?? '') }
}

/** `readAgain`: after a conflict. What the request may do was settled when it came in. */
function reloaded(one: Request, rest: State, session: Session, label: string): Step<State> {
  if (session.record === undefined) return { label: `${label}reload, ended`, next: rest }
  const again = judge(session.record, one.token)
  const judgement: Request['judgement'] =
    again.kind === 'reused' ? { kind: 'predecessor', facts: one.judgement!.facts, successor: '', isBeforeElevation: true } : again
  const next = withRequest(rest, request({ ...one, judgement, age: 0, isFresh: true }))
  return { label: `${label}reload`, next, violation: entitlement(one, judgement) }
}

/** `startSession`: the new session and the end of the old one in one conditional write. */
function signIn(one: Request, rest: State, session: Session | undefined): Step<State> {
  if (session !== undefined && !one.isFresh) {
    const token = session.record === undefined ? '' : one.token
    return { label: 'owner signIn: reload', next: withRequest(rest, request({ ...one, token, isFresh: true })) }
  }
  const ended: State = session === undefined ? rest : write(rest, 'a', { ...session, record: undefined, ended: 'replaced' })
  const b: Session = { record: startRecord('b', 1), ended: '', data: 0 }
  return { label: 'owner signIn: b', next: answer({ ...ended, sessions: { ...ended.sessions, b } }, one, 'bs1') }
}

const isUsable = (state: State, token: TokenName): boolean => {
  const record = sessionOf(state, token)?.record
  return record !== undefined && judge(record, token).kind !== 'reused'
}

/** An answer arrives: in the jar, which the tabs share, or with the thief. */
function deliver(one: Request, rest: State, bounds: Bounds): Step<State> {
  const label = `${one.party} receives ${one.clears ? 'clear' : one.token}`
  const state = one.operation === 'write' ? { ...rest, acknowledged: rest.acknowledged | one.bit } : rest
  if (one.party === 'thief') {
    const thief = [...new Set([...state.thief, one.token])].sort()
    return { label, next: { ...state, thief } }
  }
  const isOvertaken = !one.clears && isFromBefore(state, one.token)
  if (isOvertaken && !bounds.mayOvertake) return { label: `${label}, too late`, next: rest }
  const next: State = {
    ...state,
    jar: one.clears ? '' : one.token,
    held: Math.max(state.held, one.token[0] === 'a' ? generationOf(one.token) : 0),
    hasHeldB: state.hasHeldB || one.token[0] === 'b',
    isOvertaken: state.isOvertaken || isOvertaken,
  }
  const isWiped = isUsable(state, state.jar) && !isUsable(next, next.jar)
  const isExcused = one.operation === 'signOut' || state.isOvertaken || isOvertaken
  return {
    label,
    next,
    violation: isWiped && !isExcused && !state.hasStolen ? 'M5: an answer takes the browser its token' : undefined,
  }
}

/** Whether an answer's token is from before a proof, a privilege change or a sign-in whose own token the jar has held already. */
function isFromBefore(state: State, token: TokenName): boolean {
  if (token[0] === 'b') return false
  if (state.hasHeldB) return true
  const current = state.sessions.a.record?.current
  if (current === undefined) return false
  const generation = generationOf(token)
  const made = Array.from({ length: Math.max(0, state.held - generation) }, (_, i) => howMade(current, generation + 1 + i))
  return made.some((how) => how !== 'r')
}

const older = (age: number) => (age === -1 ? -1 : Math.min(age + 1, GRACE))

/** One tick. What has been under way for the grace is as good as lost: M1 promises nothing for later answers. */
export function tick(state: State, bounds: Bounds): State {
  const requests = state.requests.flatMap((one) => {
    if (one.phase !== 'handling' && one.age + 1 >= GRACE) return []
    if (one.phase === 'handling' && !bounds.isSlow && one.age + 1 >= GRACE) return []
    return [request({ ...one, age: older(one.age) })]
  })
  const mayFill = bounds.rotations > MOST_GENERATIONS
  const agedSession = (one: Session): Session => (one.record ? { ...one, record: aged(one.record, mayFill) } : one)
  return {
    ...state,
    sessions: { a: agedSession(state.sessions.a), b: state.sessions.b && agedSession(state.sessions.b) },
    requests: requests.sort((a, b) => (a.key < b.key ? -1 : 1)),
    used: state.used.map(older),
  }
}
