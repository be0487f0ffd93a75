/** One try: a logout token is posted to an application, and its status is all that counts (OIDC Back-Channel Logout 1.0, 2.5 and 2.8). */

/** What came of a try. `stopped`: this process is closing, and nothing is known. */
export type Answer =
  | { readonly kind: 'delivered' }
  | {
      readonly kind: 'failed'
      /** A machine word: `status-503`, `timeout`, `unreachable`, `unsigned`. */
      readonly reason: string
      /** How long the application asks to be left alone, in milliseconds. */
      readonly retryAfter: number | undefined
    }
  | { readonly kind: 'stopped' }

export interface Posting {
  readonly fetch: typeof globalThis.fetch
  /** Longest wait for the answer, in milliseconds. */
  readonly timeout: number
  /** Aborts when this process is closing. */
  readonly signal: AbortSignal
}

/** What is read of an answer's body, so that its connection can be used again; nobody looks at it. */
const MOST_BODY_BYTES = 4096

/** Never rejects. Redirects are not followed: the address is the configuration's, and a token is for it alone. */
export async function post(uri: string, logoutToken: string, { fetch, timeout, signal }: Posting): Promise<Answer> {
  const late = AbortSignal.timeout(timeout)
  try {
    const response = await fetch(uri, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: logoutToken }).toString(),
      signal: AbortSignal.any([late, signal]),
    })
    await discard(response)
    const { status } = response
    // 2.8: 200, and some applications' frameworks make it 204.
    if (status === 200 || status === 204) return { kind: 'delivered' }
    return { kind: 'failed', reason: `status-${status}`, retryAfter: retryAfterOf(response) }
  } catch {
    if (signal.aborted) return { kind: 'stopped' }
    return { kind: 'failed', reason: late.aborted ? 'timeout' : 'unreachable', retryAfter: undefined }
  }
}

/** The answer counts whatever becomes of its body, an endless one say. */
async function discard({ body }: Response): Promise<void> {
  if (body === null) return
  const reader = body.getReader()
  try {
    for (let size = 0; size < MOST_BODY_BYTES; ) {
      const { done, value } = await reader.read()
      if (done) return
      size += value.length
    }
  } catch {
    return
  }
  await reader.cancel().catch(() => {})
}

/** In seconds (RFC 9110, 10.2.3); a date is not worth a parser. */
function retryAfterOf({ headers }: Response): number | undefined {
  const text = headers.get('retry-after') ?? ''
  return /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined
}
