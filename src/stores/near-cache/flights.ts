/** What is known of an id while reads of it are on their way. */
export interface Flight {
  readonly shared: { reads: number; disturbances: number }
  readonly disturbances: number
  readonly disturbancesOfAll: number
}

/**
 * Reads on their way to the store and back. What happens to a record meanwhile makes the answer too old to be kept, wherever it
 * overtook it: before the engine was asked, in the engine, or on the way back.
 */
export class Flights {
  readonly #byId = new Map<string, Flight['shared']>()
  #disturbancesOfAll = 0

  depart(id: string): Flight {
    let shared = this.#byId.get(id)
    if (shared === undefined) {
      shared = { reads: 0, disturbances: 0 }
      this.#byId.set(id, shared)
    }
    shared.reads += 1
    return { shared, disturbances: shared.disturbances, disturbancesOfAll: this.#disturbancesOfAll }
  }

  /** Whether nothing happened since it departed. */
  isUndisturbed({ shared, disturbances, disturbancesOfAll }: Flight): boolean {
    return disturbances === shared.disturbances && disturbancesOfAll === this.#disturbancesOfAll
  }

  /** Ends a flight, once. */
  land(id: string, { shared }: Flight): void {
    shared.reads -= 1
    if (shared.reads === 0) this.#byId.delete(id)
  }

  disturb(id: string): void {
    const shared = this.#byId.get(id)
    if (shared !== undefined) shared.disturbances += 1
  }

  disturbAll(): void {
    this.#disturbancesOfAll += 1
  }
}
