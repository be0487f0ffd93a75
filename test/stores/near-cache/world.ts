/**
 * Several near caches over one engine, every step of which a test takes by itself: an operation is sent, the engine performs it,
 * its answer arrives or is lost; a message waits in each cache's connection until it is delivered, in any order, or lost.
 *
 * Each step has a number. A record's body holds the number of the step in which the engine looked, so a copy says by itself how old
 * it is, and the rules of coherence are comparisons of step numbers.
 */
import { memoryStore } from 'sojourn/stores/memory'
import { nearCache } from 'sojourn/stores/near-cache'
import { fakeClock } from 'sojourn/testing'
import { subjectKeyOf } from '../../../src/core/placement.ts'
import type { ChangeListener, ReadOutcome, Store, StoredRecord } from '../../../src/core/store.ts'
import { settled } from './support.ts'

export const LEASE = 5000
/** Sessions by id, with their subjects. */
const SUBJECTS: Readonly<Record<string, string | undefined>> = {
  a: '__proto__',
  b: '__proto__',
  c: '__proto__',
  d: "'\0;--",
  e: "'\0;--",
  f: undefined,
}
const IDS = Object.keys(SUBJECTS)

export type Step =
  | { readonly kind: 'read' | 'update' | 'revoke' | 'revokeSubject' | 'replace'; readonly node: number; readonly session: number }
  | { readonly kind: 'perform' | 'answer' | 'lose-answer'; readonly pick: number }
  | { readonly kind: 'deliver' | 'lose-message'; readonly node: number; readonly pick: number }
  | { readonly kind: 'interrupt' | 'resume' | 'begin'; readonly node: number }
  | { readonly kind: 'advance'; readonly milliseconds: number }

/** An operation between a cache and the engine. */
interface Operation {
  readonly perform: () => void
  readonly answer: () => void
  readonly loseAnswer: () => void
}

interface Message {
  readonly step: number
  readonly about: readonly string[]
  readonly tell: (listener: ChangeListener) => void
}

/** The engine's truth about one session. */
interface Truth {
  version: number
  epoch: number
  hasEnded: boolean
}

class Node {
  readonly cache: Store
  readonly waiting: Message[] = []
  listener: ChangeListener | undefined
  begin = () => {}
  /** Between `interrupt` and `resume` nothing is queued. */
  isConnected = true
  /** Copies of what the engine showed in this step or before are outdated, as far as this node can know. */
  readonly outdatedUntil: Record<string, number> = Object.fromEntries(IDS.map((id) => [id, 0]))

  constructor(open: (node: Node) => Store) {
    this.cache = open(this)
  }
}

export class World {
  readonly clock = fakeClock(0)
  readonly nodes: readonly Node[]
  /** How often a copy was there to be judged, and how often it was one that the engine no longer had (a message being late or lost). */
  readonly judged = { copies: 0, outdatedCopies: 0, lastCopies: 0 }
  #step = 0
  readonly #lookedAt = new Map<number, number>()
  readonly #truths = new Map<string, Truth>(IDS.map((id) => [id, { version: 1, epoch: 0, hasEnded: false }]))
  readonly #epochs = new Map<string, number>()
  readonly #operations: Operation[] = []

  constructor(count: number) {
    const open = (node: Node) => nearCache(this.#storeOf(node), { maxStaleness: LEASE, maxEntries: 3, clock: this.clock })
    this.nodes = Array.from({ length: count }, () => new Node(open))
  }

  /** Takes a step, and throws where a copy breaks a rule afterwards. */
  async take(step: Step): Promise<void> {
    this.#step += 1
    this.#act(step)
    await settled()
    for (const node of this.nodes) this.#judge(node)
  }

  #act(step: Step): void {
    switch (step.kind) {
      case 'advance':
        this.clock.advance(step.milliseconds)
        return
      case 'perform':
        this.#operations[step.pick % this.#operations.length]?.perform()
        return
      case 'answer':
        this.#takeOperation(step.pick)?.answer()
        return
      case 'lose-answer':
        this.#takeOperation(step.pick)?.loseAnswer()
        return
    }
    const node = this.nodes[step.node % this.nodes.length]!
    switch (step.kind) {
      case 'begin':
        // Listening begins once nothing is missed any more.
        if (node.isConnected) node.begin()
        return
      case 'interrupt':
        node.isConnected = false
        node.waiting.length = 0
        node.listener?.interrupted()
        return
      case 'resume':
        if (node.isConnected) return
        node.isConnected = true
        for (const id of IDS) node.outdatedUntil[id] = this.#step
        node.listener?.resumed()
        return
      case 'deliver': {
        const [message] = node.waiting.splice(step.pick % node.waiting.length, 1)
        if (message === undefined) return
        for (const id of message.about) node.outdatedUntil[id] = Math.max(node.outdatedUntil[id]!, message.step)
        if (node.listener) message.tell(node.listener)
        return
      }
      case 'lose-message':
        node.waiting.splice(step.pick % node.waiting.length, 1)
        return
      default:
        this.#send(node, step.kind, IDS[step.session % IDS.length]!)
    }
  }

  /** A process asks something of its cache. */
  #send(node: Node, kind: 'read' | 'update' | 'revoke' | 'revokeSubject' | 'replace', id: string): void {
    const { cache } = node
    const now = this.clock()
    const { version } = this.#truths.get(id)!
    const subject = SUBJECTS[id]
    const body = new Uint8Array(0)
    const ask: Readonly<Record<typeof kind, () => unknown>> = {
      read: () => cache.read(id),
      update: () => cache.update(id, version, { deadline: 0, absoluteDeadline: 0, body }),
      revoke: () => cache.revoke(id, { now, reason: 'logout' }),
      revokeSubject: () => cache.revokeSubject(subject ?? 'nobody', { now, reason: 'logout', except: 'a' }),
      replace: () =>
        cache.create(
          { id: 'new', subject, startedAt: 0, deadline: 0, absoluteDeadline: 0, body },
          { now, replaces: { id, version, reason: 'signed-in' }, limit: { max: 1, onExceeded: 'evict-oldest' } },
        ),
    }
    Promise.resolve(ask[kind]()).catch(() => {})
  }

  /** The engine as one node reaches it. */
  #storeOf(node: Node): Store {
    const engine = memoryStore()
    const write = <T>(work: () => { about: readonly string[]; answer: T; tell?: Message['tell'] }) => this.#operation(node, work)
    return {
      name: 'world',
      capabilities: { ...engine.capabilities, isLocal: false },
      ledger: engine.ledger,
      channel: engine.channel,
      changes: {
        subscribe: (listener) => {
          const { promise, resolve } = Promise.withResolvers<void>()
          node.listener = listener
          node.begin = () => {
            for (const id of IDS) node.outdatedUntil[id] = Math.max(node.outdatedUntil[id]!, this.#step)
            node.begin = () => {}
            resolve()
          }
          return promise.then(() => async () => {})
        },
      },
      read: (id) => write<ReadOutcome | undefined>(() => ({ about: [], answer: this.#look(id) })),
      update: (id, version) =>
        write(() => {
          const truth = this.#truths.get(id)!
          if (!this.#isLive(id)) return { about: [], answer: 'gone' as const }
          if (truth.version !== version) return { about: [], answer: 'conflict' as const }
          truth.version += 1
          return { about: [id], answer: 'updated' as const, tell: (listener) => listener.changed(id) }
        }),
      revoke: (id) => write(() => ({ about: [id], answer: this.#end(id), tell: (listener) => listener.changed(id) })),
      revokeSubject: (subject, { except }) =>
        write(() => {
          const ended = idsOf(subject).filter((id) => id !== except && this.#end(id))
          const epoch = (this.#epochs.get(subject) ?? 0) + 1
          this.#epochs.set(subject, epoch)
          if (except !== undefined && SUBJECTS[except] === subject) this.#truths.get(except)!.epoch = epoch
          const subjectKey = subjectKeyOf(subject)
          return { about: idsOf(subject), answer: ended.length, tell: (listener) => listener.subjectRevoked(subjectKey) }
        }),
      create: ({ subject }, { replaces }) =>
        write(() => {
          const ended = new Set([replaces!.id, ...(subject === undefined ? [] : idsOf(subject))])
          for (const id of ended) this.#end(id)
          const tell: Message['tell'] = (listener) => {
            for (const id of ended) listener.changed(id)
          }
          return { about: [...ended], answer: { kind: 'created' as const, epoch: 0, evicted: [...ended] }, tell }
        }),
      list: () => engine.list(''),
      purge: () => Promise.resolve(0),
      close: () => engine.close(),
    }
  }

  #operation<T>(node: Node, work: () => { about: readonly string[]; answer: T; tell?: Message['tell'] }): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let done: { readonly step: number; readonly result: ReturnType<typeof work> } | undefined
    const perform = () => {
      if (done) return done
      done = { step: this.#step, result: work() }
      const { about, tell } = done.result
      if (tell) for (const each of this.nodes) if (each.isConnected) each.waiting.push({ step: this.#step, about, tell })
      return done
    }
    /** The node has asked for it, so it must not go on with what was before; whether it learned the outcome or not. */
    const outdate = () => {
      if (!done?.result.tell) return
      for (const id of done.result.about) node.outdatedUntil[id] = Math.max(node.outdatedUntil[id]!, done.step)
    }
    const answer = () => {
      const { result } = perform()
      outdate()
      resolve(result.answer)
    }
    const loseAnswer = () => {
      outdate()
      reject(new Error('the answer was lost, as the test asked'))
    }
    this.#operations.push({ perform, answer, loseAnswer })
    return promise
  }

  #takeOperation(pick: number): Operation | undefined {
    return this.#operations.splice(pick % this.#operations.length, 1)[0]
  }

  #look(id: string): ReadOutcome {
    const subject = SUBJECTS[id]
    const { version, epoch, hasEnded } = this.#truths.get(id)!
    if (hasEnded) return { kind: 'tombstone', tombstone: { id, subject, revokedAt: 0, reason: 'logout', absoluteDeadline: 0 } }
    this.#lookedAt.set(this.#step, this.clock())
    const body = Buffer.from(String(this.#step))
    const record: StoredRecord = { id, version, subject, epoch, startedAt: 0, deadline: 0, absoluteDeadline: 0, body }
    return { kind: 'record', record, subjectEpoch: this.#epochOf(subject) }
  }

  #end(id: string): boolean {
    const truth = this.#truths.get(id)!
    const wasLive = !truth.hasEnded
    truth.hasEnded = true
    return wasLive
  }

  #isLive(id: string): boolean {
    const { hasEnded, epoch } = this.#truths.get(id)!
    return !hasEnded && epoch >= this.#epochOf(SUBJECTS[id])
  }

  #epochOf(subject: string | undefined): number {
    return subject === undefined ? 0 : (this.#epochs.get(subject) ?? 0)
  }

  #judge(node: Node): void {
    for (const id of IDS) {
      const copy = node.cache.copyOf!(id)
      const last = node.cache.lastCopyOf!(id)
      for (const each of [copy, last]) if (each) this.#judgeCopy(node, id, each)
      if (copy && copy !== last) throw new Error(`the copy of ${id} is not the last one`)
      if (copy && !node.isConnected) throw new Error(`a copy of ${id} is used while messages may be missed`)
      if (copy) this.judged.copies += 1
      if (copy?.kind === 'record' && copy.record.version < this.#truths.get(id)!.version) this.judged.outdatedCopies += 1
      if (last && !copy) this.judged.lastCopies += 1
    }
  }

  #judgeCopy(node: Node, id: string, copy: ReadOutcome): void {
    if (copy.kind !== 'record') throw new Error(`the copy of ${id} is a tombstone`)
    if (copy.record.id !== id) throw new Error(`the copy of ${id} is one of ${copy.record.id}`)
    if (copy.record.epoch < copy.subjectEpoch) throw new Error(`the copy of ${id} was dead when it was read`)
    const lookedIn = Number(Buffer.from(copy.record.body))
    const age = this.clock() - this.#lookedAt.get(lookedIn)!
    if (age >= LEASE) throw new Error(`the copy of ${id} is ${age} ms old`)
    const outdatedUntil = node.outdatedUntil[id]!
    if (lookedIn < outdatedUntil) throw new Error(`the copy of ${id} is of step ${lookedIn}, outdated in step ${outdatedUntil}`)
  }
}

const idsOf = (subject: string): string[] => IDS.filter((id) => SUBJECTS[id] === subject)
