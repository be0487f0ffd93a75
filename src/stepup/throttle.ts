/** Throttling of guessable secrets: to be built by the step-up core; other parts only use this interface. */

/** What may be tried now. */
export type ThrottleVerdict = { readonly isAllowed: true } | { readonly isAllowed: false; readonly retryAfter: number }

export interface Throttle {
  /**
   * Counts one try before it is evaluated, in one atomic step for each count, so that of a hundred parallel guesses only the allowed number is ever
   * evaluated.
   *
   * @param kind - What is guessed: `totp`, `recovery`, `password`.
   * @param subject - Whose account.
   * @param network - The client's network (`session` request's address cut to /24 or /48), where it is known.
   */
  attempt(kind: string, subject: string, network: string | undefined): Promise<ThrottleVerdict>
  /** A try that was right: the account's count starts anew; the network's does not. */
  succeeded(kind: string, subject: string): Promise<void>
}
