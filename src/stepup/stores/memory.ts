import type { FactorChanges, FactorKind, FactorStore, StoredFactor } from '../factor-store.ts'
import { closedFault } from './internal/faults.ts'

/**
 * Keeps factors in this process's memory, for tests and for trying things out.
 *
 * Not for production: a restart takes everybody's second factor away, and two processes do not share it.
 *
 * @returns A factor store that is empty.
 * @example
 * const stepUp = createStepUp(sessions, { factors: memoryFactorStore(), issuer: 'Library', origins })
 */
export function memoryFactorStore(): FactorStore {
  return new MemoryFactors()
}

/** Every method does its work before it first waits, so that each is atomic. */
class MemoryFactors implements FactorStore {
  readonly name = 'memory'
  readonly #byId = new Map<string, StoredFactor>()
  #isClosed = false

  async list(subject: string): Promise<readonly StoredFactor[]> {
    return this.#of(subject).sort(oldestFirst).map(copyOf)
  }

  async byHandle(kind: FactorKind, handle: string): Promise<StoredFactor | undefined> {
    const found = this.#all().find((factor) => isHandle(factor, kind, handle))
    return found && copyOf(found)
  }

  async add(factor: Omit<StoredFactor, 'version'>, { most }: { readonly most: number }): Promise<'added' | 'taken' | 'full'> {
    const { id, subject, kind, handle } = factor
    const isTaken = this.#all().some((other) => other.id === id || (handle !== undefined && isHandle(other, kind, handle)))
    if (isTaken) return 'taken'
    if (this.#of(subject, kind).length >= most) return 'full'
    this.#byId.set(id, copyOf({ ...factor, version: 1 }))
    return 'added'
  }

  async update(
    subject: string,
    id: string,
    version: number,
    { name, lastUsedAt, sealed }: FactorChanges,
  ): Promise<'updated' | 'conflict' | 'gone'> {
    const present = this.#find(subject, id)
    if (present === undefined) return 'gone'
    if (present.version !== version) return 'conflict'
    const next = {
      ...present,
      version: version + 1,
      name: name ?? present.name,
      lastUsedAt: lastUsedAt ?? present.lastUsedAt,
      sealed: sealed ?? present.sealed,
    }
    this.#byId.set(id, copyOf(next))
    return 'updated'
  }

  async remove(subject: string, id: string): Promise<boolean> {
    return this.#find(subject, id) !== undefined && this.#byId.delete(id)
  }

  async removeAll(subject: string, kind?: FactorKind): Promise<number> {
    const doomed = this.#of(subject, kind)
    for (const { id } of doomed) this.#byId.delete(id)
    return doomed.length
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #all(): StoredFactor[] {
    if (this.#isClosed) throw closedFault()
    return [...this.#byId.values()]
  }

  #of(subject: string, kind?: FactorKind): StoredFactor[] {
    return this.#all().filter((factor) => factor.subject === subject && (kind === undefined || factor.kind === kind))
  }

  #find(subject: string, id: string): StoredFactor | undefined {
    return this.#of(subject).find((factor) => factor.id === id)
  }
}

const isHandle = (factor: StoredFactor, kind: FactorKind, handle: string) => factor.kind === kind && factor.handle === handle

/** Nobody who was given a factor, or gave one, can change what is kept. */
const copyOf = (factor: StoredFactor): StoredFactor => ({ ...factor, sealed: Uint8Array.from(factor.sealed) })

/** The id decides between two of the same instant, as in every other store. */
const oldestFirst = (one: StoredFactor, other: StoredFactor) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1)
