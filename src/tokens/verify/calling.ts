/** Calls to the issuer: in time, of bounded size, without redirects. Whoever answers may be broken or hostile; the keys and secrets stay where they were configured to be. */
import { jsonObjectIn } from './token-header.ts'

/** Why a call came to nothing: a word for events, nothing of the answer. */
export class CallFailure extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(`The issuer could not be asked: ${reason}.`)
    this.name = 'CallFailure'
    this.reason = reason
  }
}

export interface Answer {
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/**
 * Fetches a JSON object.
 *
 * @throws {CallFailure} `timeout`, `status-<n>`, `oversize`, `malformed`, or `network`.
 */
export async function callForObject(
  call: typeof fetch,
  url: string,
  init: RequestInit,
  limits: { readonly timeout: number; readonly bytes: number },
): Promise<Answer> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), limits.timeout)
  timer.unref?.()
  try {
    // A redirect is an error: it would let the answer choose where keys come from and secrets go to.
    const response = await call(url, { ...init, redirect: 'error', signal: controller.signal })
    if (response.status !== 200) {
      await response.body?.cancel().catch(() => {})
      throw new CallFailure(`status-${response.status}`)
    }
    const body = jsonObjectIn(await bytesOf(response, limits.bytes))
    if (body === undefined) throw new CallFailure('malformed')
    return { headers: response.headers, body }
  } catch (error) {
    if (error instanceof CallFailure) throw error
    throw new CallFailure(controller.signal.aborted ? 'timeout' : 'network')
  } finally {
    clearTimeout(timer)
  }
}

async function bytesOf(response: Response, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of response.body ?? []) {
    length += piece.length
    if (length > most) throw new CallFailure('oversize')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
