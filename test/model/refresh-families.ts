/**
 * Refresh families as a space to search: the rules of `src/tokens/refresh/generations.ts` as they are, around them an owner who may lose answers, send twice and wait,
 * and a thief who copies the owner's token once. Time goes in halves of the grace. Tokens are told apart by how far they are behind the current one, so
 * that the space is finite and stands for histories of any length.
 */
import { sha256 } from '../../src/core/crypto.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { hashSecret } from '../../src/core/token.ts'
import type { Family } from '../../src/tokens/refresh/family.ts'
import { replaceCurrent, standingOf } from '../../src/tokens/refresh/generations.ts'
import { refreshKeys } from '../../src/tokens/refresh/refresh-token.ts'
import type { Space, Step } from './explore.ts'

/** Halves of the grace. */
const GRACE = 2
const KEYS = refreshKeys(createKeyring('G_83vSHb90P-P6U7UJNQ0fqZ-fgSOE7mJiMvJmEZG0g'), 'https://shop.example')

export interface FamilyBounds {
  readonly hasThief: boolean
  /** Requests of the owner that may be on their way at once; all with the token it holds. */
  readonly requests: number
  /** Whether an answer that comes late, by less than the grace, still replaces what the owner holds, or is ignored. */
  readonly takesLateAnswers: boolean
  /** Whether the owner leaves the grace between the answer it got and the next refresh. Access tokens live longer than that. */
  readonly waits: boolean
  /** The rules, so that a test can break them. */
  readonly rules?: { readonly standingOf: typeof standingOf; readonly replaceCurrent: typeof replaceCurrent }
}

/** Something on its way: a token to the server, or an answer to the owner. */
interface Travelling {
  readonly token: number
  readonly age: number
  readonly kind: 'request' | 'answer'
}

interface State {
  readonly now: number
  readonly family: Family
  /** Every secret there ever was, by its number; each is derived from the one before. */
  readonly secrets: readonly Buffer[]
  readonly owner: number
  /** When the owner got it. */
  readonly ownerSince: number
  readonly travelling: readonly Travelling[]
  /** The latest token the thief has. */
  readonly thief: number | undefined
  /** When each token was first used by whom, newest last. */
  readonly uses: { readonly owner: readonly Use[]; readonly thief: readonly Use[] }
  readonly isOver: boolean
}

interface Use {
  readonly token: number
  readonly at: number
}

type Party = 'owner' | 'thief'

export function familySpace(bounds: FamilyBounds): Space<State> {
  const rules = bounds.rules ?? { standingOf, replaceCurrent }

  /** The server, in one atomic step, as the conditional write makes it. */
  function serve(
    state: State,
    party: Party,
    token: number,
  ): { next: State; answer: number | undefined; violation?: string | undefined } {
    const secret = state.secrets[token]!
    const tools = {
      keys: KEYS,
      now: state.now,
      grace: GRACE,
      random: (size: number) => sha256(state.secrets.at(-1)!).subarray(0, size),
    }
    const standing = rules.standingOf(state.family, secret, tools)
    if (standing.kind === 'reused') {
      const violation = bounds.hasThief ? undefined : 'the only holder was taken for a thief'
      return { next: { ...state, isOver: true }, answer: undefined, violation }
    }
    const others = state.uses[party === 'owner' ? 'thief' : 'owner']
    const isCaught = others.every((use) => use.token <= token || state.now - use.at < GRACE)
    const uses = { ...state.uses, [party]: [...state.uses[party], { token, at: state.now }] }
    const replaced =
      standing.kind === 'current'
        ? rules.replaceCurrent(state.family, secret, tools)
        : { family: state.family, secret: standing.successorSecret! }
    const known = state.secrets.findIndex((one) => one.equals(replaced.secret))
    const answer = known === -1 ? state.secrets.length : known
    const secrets = known === -1 ? [...state.secrets, replaced.secret] : state.secrets
    const violation = !isCaught
      ? 'owner and thief both used tokens further apart than the grace, and the family lives'
      : answer !== token + 1 && answer !== token
        ? 'one token has two successors'
        : undefined
    return { next: { ...state, family: replaced.family, secrets, uses }, answer, violation }
  }

  function stepsFrom(state: State): Step<State>[] {
    if (state.isOver) return []
    const steps: Step<State>[] = []
    const { travelling } = state
    const without = (index: number) => travelling.filter((_, at) => at !== index)
    // Nothing is under way for as long as the grace: what would be, is lost before.
    if (travelling.every(({ age }) => age < GRACE - 1)) {
      const older = travelling.map((one) => ({ ...one, age: one.age + 1 }))
      steps.push({ label: 'half a grace passes', next: { ...state, now: state.now + 1, travelling: older } })
    }
    const mayAsk = !bounds.waits || state.now - state.ownerSince >= GRACE
    if (travelling.length < bounds.requests && mayAsk) {
      const request: Travelling = { token: state.owner, age: 0, kind: 'request' }
      steps.push({ label: `owner asks with ${state.owner}`, next: { ...state, travelling: [...travelling, request] } })
    }
    for (const [index, { token, kind, age }] of travelling.entries()) {
      const rest = without(index)
      steps.push({ label: `${kind} with ${token} is lost`, next: { ...state, travelling: rest } })
      if (kind === 'request') {
        const { next, answer, violation } = serve(state, 'owner', token)
        const answers =
          answer === undefined
            ? rest
            : [...rest, { token: answer, age: bounds.takesLateAnswers ? 0 : age, kind: 'answer' as const }]
        steps.push({ label: `server answers ${token} with ${answer}`, next: { ...next, travelling: answers }, violation })
      } else if (bounds.takesLateAnswers || token === state.owner + 1 || token === state.owner) {
        const since = token === state.owner ? state.ownerSince : state.now
        steps.push({ label: `owner holds ${token}`, next: { ...state, owner: token, ownerSince: since, travelling: rest } })
      }
    }
    if (bounds.hasThief && state.thief === undefined)
      steps.push({ label: `thief copies ${state.owner}`, next: { ...state, thief: state.owner } })
    if (state.thief !== undefined) {
      const { next, answer, violation } = serve(state, 'thief', state.thief)
      steps.push({ label: `thief uses ${state.thief}`, next: { ...next, thief: answer ?? state.thief }, violation })
    }
    return steps
  }

  return { initial: initial(), keyOf, stepsFrom }
}

function initial(): State {
  const secret = sha256(Buffer.from('first'))
  const family: Family = {
    id: 'AAAAAA',
    clientId: 'app',
    scope: [],
    audience: '',
    jkt: undefined,
    facts: [],
    grantedAt: 0,
    lastUsedAt: 0,
    currentHash: hashSecret(secret),
    currentUsedAt: undefined,
    lineage: [],
  }
  return {
    now: 0,
    family,
    secrets: [secret],
    owner: 0,
    ownerSince: -GRACE,
    travelling: [],
    thief: undefined,
    uses: { owner: [], thief: [] },
    isOver: false,
  }
}

/** What the future depends on, and nothing else: distances from the current token, and ages up to the grace. */
function keyOf({ now, family, secrets, owner, ownerSince, travelling, thief, uses, isOver }: State): string {
  if (isOver) return 'over'
  const current = secrets.length - 1
  // Beyond what is remembered all tokens are alike.
  const behind = (token: number) => Math.min(current - token, 6)
  const aged = (at: number) => Math.min(now - at, GRACE)
  /** Whom an older token would betray: the latest use of any, and the latest that is a grace ago. */
  const used = (party: readonly Use[]) => {
    const last = Math.max(-1, ...party.map(({ token }) => token))
    const settled = Math.max(-1, ...party.filter(({ at }) => now - at >= GRACE).map(({ token }) => token))
    const recent = party.filter(({ token, at }) => token > settled && now - at < GRACE)
    const firsts = [...new Set(recent.map(({ token }) => token))].map((token) => [
      behind(token),
      aged(Math.min(...recent.filter((use) => use.token === token).map(({ at }) => at))),
    ])
    return [last < 0 ? '-' : behind(last), settled < 0 ? '-' : behind(settled), firsts.sort()]
  }
  return JSON.stringify([
    family.lineage.map(({ usedAt }) => aged(usedAt)),
    family.currentUsedAt === undefined ? '-' : aged(family.currentUsedAt),
    behind(owner),
    aged(ownerSince),
    travelling.map(({ token, age, kind }) => [behind(token), age, kind]).sort(),
    thief === undefined ? '-' : behind(thief),
    used(uses.owner),
    used(uses.thief),
  ])
}
