/** A key that is served elsewhere: `MOVED` for good, `ASK` for this once. */
export interface Redirection {
  readonly isAsk: boolean
  readonly host: string
  readonly port: number
}

/** More than any slot that moves needs. */
const MOST_REDIRECTIONS = 16

/** Where an error says that a key is served; `undefined` if it says nothing of the kind. */
export function redirectionIn(error: unknown): Redirection | undefined {
  const found = error instanceof Error ? /^(MOVED|ASK) \d+ (.+):(\d+)$/.exec(error.message) : null
  return found ? { isAsk: found[1] === 'ASK', host: found[2]!, port: Number(found[3]) } : undefined
}

/**
 * Sends what a client does not redirect by itself, which is anything but a single command.
 *
 * @param first - Sends it to where the client takes the key to be.
 * @param elsewhere - Sends it to a node; gives `undefined` when the client does not know the node.
 */
export async function followRedirections<T>(
  first: () => Promise<T>,
  elsewhere: (redirection: Redirection) => Promise<T | undefined>,
): Promise<T> {
  let redirection: Redirection | undefined
  for (let count = 0; ; count++) {
    try {
      const answer = redirection === undefined ? await first() : await elsewhere(redirection)
      if (answer !== undefined) return answer
      redirection = undefined
    } catch (error) {
      redirection = redirectionIn(error)
      if (redirection === undefined || count === MOST_REDIRECTIONS) throw error
    }
    if (count === MOST_REDIRECTIONS) throw new Error('a node of the Cluster is not known to the client')
  }
}
