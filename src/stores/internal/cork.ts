/** What is used of a socket. */
export interface Corkable {
  cork(): void
  uncork(): void
}

/** Taken at the start, so that fake timers in somebody's tests hold no command back. */
const { setImmediate } = globalThis

/**
 * Holds back what is written to a socket until the event loop has gone through all that has arrived. What the requests of one turn ask
 * for then leaves in one system call, which costs more than all else that a look-up does; nobody waits longer, since the turn ends before
 * the loop sleeps.
 */
export class Cork {
  #held: Corkable | undefined
  readonly #release = (socket: Corkable) => {
    if (this.#held === socket) this.#held = undefined
    socket.uncork()
  }

  /** Call it before writing. After a reconnect there is another socket; the earlier one is released all the same. */
  hold(socket: Corkable): void {
    if (this.#held === socket) return
    socket.cork()
    this.#held = socket
    setImmediate(this.#release, socket)
  }
}
