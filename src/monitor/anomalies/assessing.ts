/**
 * Sign-ins: judged before, learnt from after. What was judged is remembered for some minutes, so that one sign-in is judged once although both the login route and the
 * guard see it. Learning is in the background, one after the other, and never before the person has proved what was asked for.
 */
import { hours, minutes } from '../../core/duration.ts'
import type { Service } from '../../core/service.ts'
import type { Ledger } from '../../core/store.ts'
import type { Acting } from './acting.ts'
import { ClientReader } from './client-reader.ts'
import { Detector, type Judgement, type SignIn } from './detector.ts'
import { forgetPerson, loadKeys, type ModelKeys, readPerson, writePerson } from './keeping.ts'
import type { Assessment, SignInAttempt } from './options.ts'
import { newPerson } from './person.ts'
import type { PlaceFinder } from './places.ts'
import { Population } from './population.ts'
import { Shards } from './shards.ts'
import type { Action } from './signal.ts'

export interface AssessorSettings {
  readonly places: PlaceFinder
  readonly mostAccounts: number
  readonly mostNames: number
}

/** A sign-in that was judged, and what is learnt once it was the person's. */
export interface Judged {
  readonly signIn: SignIn
  readonly judgement: Judgement
  readonly action: Action | undefined
}

interface Model {
  readonly keys: ModelKeys
  readonly detector: Detector
  readonly shards: Shards
}

/** A password, a second factor, and somebody who looks for their phone. */
const REMEMBERED_FOR = minutes(15)
const MOST_REMEMBERED = 2048
/** Sign-ins that wait to be learnt; more are let go, and the model knows a little less. */
const MOST_LEARNING = 1000
const ACCOUNTS_WINDOW = hours(1)

export class Assessor {
  readonly clients: ClientReader
  readonly #service: Service
  readonly #ledger: Ledger
  readonly #acting: Acting
  readonly #settings: AssessorSettings
  readonly #judged = new Map<string, Judged & { readonly forgetAt: number }>()
  #model: Promise<Model> | undefined
  #learning: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(service: Service, ledger: Ledger, acting: Acting, settings: AssessorSettings) {
    this.#service = service
    this.#ledger = ledger
    this.#acting = acting
    this.#settings = settings
    this.clients = new ClientReader(settings.places)
  }

  /** @throws {StoreError} `ERR_STORE_UNAVAILABLE` */
  async assess(attempt: SignInAttempt): Promise<Assessment> {
    const judged = await this.judge(attempt)
    const { judgement, action } = judged
    this.#acting.report(judgement.signals, { subject: attempt.subject })
    this.#remember(attempt, judged)
    const features = judgement.signals.find(({ name }) => name === 'unusual-sign-in')?.features ?? []
    return { score: judgement.score, signals: judgement.signals, action, isShadow: this.#acting.isShadow, features }
  }

  /** Changes nothing of what is known of the person. */
  async judge(attempt: SignInAttempt): Promise<Judged> {
    const now = this.#service.config.clock()
    const { keys, detector, shards } = await this.#ready(now)
    // Reported by the call itself where it fails; the sign-in does not wait for it.
    shards.maintain(now).catch(() => {})
    const { client, spot } = this.clients.read(attempt)
    const [accounts, person] = await Promise.all([
      this.#accountsOf(keys, attempt, now),
      readPerson(this.#ledger, keys, attempt.subject, now),
    ])
    const signIn = { at: attempt.at ?? now, client, spot, accounts }
    const judgement = detector.judge(person, signIn)
    return { signIn, judgement, action: this.#acting.actionOf(judgement.signals) }
  }

  /** What was judged of the same sign-in a moment ago; once. */
  recall(attempt: SignInAttempt): Judged | undefined {
    const key = keyOf(attempt)
    const judged = this.#judged.get(key)
    this.#judged.delete(key)
    return judged !== undefined && judged.forgetAt > this.#service.config.clock() ? judged : undefined
  }

  #remember(attempt: SignInAttempt, judged: Judged): void {
    if (this.#judged.size >= MOST_REMEMBERED) this.#judged.delete(this.#judged.keys().next().value!)
    this.#judged.set(keyOf(attempt), { ...judged, forgetAt: this.#service.config.clock() + REMEMBERED_FOR })
  }

  /** Learns from a sign-in that was the person's, when its turn comes. A failure loses it and reports itself. */
  learn(subject: string, { signIn, judgement }: Judged): void {
    if (this.#waiting >= MOST_LEARNING) return
    this.#waiting++
    const turn = async () => {
      try {
        const now = this.#service.config.clock()
        const { keys, detector } = await this.#ready(now)
        const person = (await readPerson(this.#ledger, keys, subject, now)) ?? newPerson(signIn.at)
        detector.learn(person, signIn, judgement.risk)
        await writePerson(this.#ledger, keys, subject, person, now)
      } catch {
        // `store.failed` says so.
      } finally {
        this.#waiting--
      }
    }
    this.#learning = this.#learning.then(turn)
  }

  /** Resolves once all that waits is learnt. */
  learnt(): Promise<void> {
    return this.#learning
  }

  /** Writes the population's counts. */
  async flush(): Promise<void> {
    const now = this.#service.config.clock()
    const { shards } = await this.#ready(now)
    await shards.save(now)
  }

  async forget(subject: string): Promise<boolean> {
    await this.#learning
    const now = this.#service.config.clock()
    const { keys } = await this.#ready(now)
    return forgetPerson(this.#ledger, keys, subject, now)
  }

  /** Whoever tries many accounts from one address is counted in all processes. */
  async #accountsOf(keys: ModelKeys, { address, subject }: SignInAttempt, now: number): Promise<number | undefined> {
    if (typeof address !== 'string' || address === '') return undefined
    const window = Math.floor(now / ACCOUNTS_WINDOW)
    const isNew = await this.#ledger.claim(keys.nameOf('t', `${window}\0${address}\0${subject}`), {
      now,
      deadline: now + ACCOUNTS_WINDOW,
    })
    // Known already: the count has not changed, and is asked for when it does.
    if (!isNew) return undefined
    return this.#ledger.count(keys.nameOf('c', `${window}\0${address}`), { now, window: ACCOUNTS_WINDOW })
  }

  #ready(now: number): Promise<Model> {
    this.#model ??= this.#load(now).catch((error: unknown) => {
      this.#model = undefined
      throw error
    })
    return this.#model
  }

  async #load(now: number): Promise<Model> {
    const { keyring, random } = this.#service.config
    const keys = await loadKeys({ ledger: this.#ledger, keyring, random }, now)
    const population = new Population(keys.hash, now, this.#settings.mostNames)
    const detector = new Detector(population, this.#settings.mostAccounts)
    const shards = new Shards(this.#ledger, keys, population)
    // Without it the first sign-ins after a start would be judged by an empty population.
    await shards.maintain(now)
    return { keys, detector, shards }
  }
}

/** Whether what was found keeps a sign-in from being learnt until more is proved. */
export function isDoubtful(action: Action | undefined): boolean {
  return action === 'step-up' || action === 'revoke'
}

function keyOf({ subject, address, userAgent }: SignInAttempt): string {
  // Whatever types an application hands on from a request.
  return `${subject}\0${String(address ?? '').slice(0, 64)}\0${String(userAgent ?? '').slice(0, 512)}`
}
