/** Security headers on a Web `Response`. Never on the handler's own: it may be a constant that goes to everybody, or have headers that cannot change. */
import { Answering, type HeaderPolicy } from './policy.ts'

const ANSWERING = Symbol('sojourn.headers')
const CSP = 'Content-Security-Policy'
type Asking = Request & { [ANSWERING]?: Answering<Request> }

/** Answers by the handler, with our headers on top of what it says. */
export async function protectOnWeb(
  policy: HeaderPolicy<Request>,
  request: Request,
  respond: () => Response | Promise<Response>,
): Promise<Response> {
  const outer = (request as Asking)[ANSWERING]
  const answering = new Answering(policy)
  if (outer?.nonce !== undefined) answering.nonce = outer.nonce
  ;(request as Asking)[ANSWERING] = answering
  const response = await respond()
  answering.isSent = true
  // 101 and `Response.error()` have no headers of their own to change and cannot be made anew.
  if (response.status < 200) return response
  const headers = new Headers(response.headers)
  const isSecure = policy.isSecure === undefined ? request.url.startsWith('https:') : policy.isSecure(request) === true
  const ours = policy.headers(isSecure, answering.nonce)
  for (let i = 0; i < ours.length; i += 2) if (!headers.has(ours[i]!)) headers.set(ours[i]!, ours[i + 1]!)
  headers.set(CSP, policy.withFrames(headers.get(CSP)!) as string)
  headers.delete('X-Powered-By')
  const { status, statusText } = response
  return new Response(response.body, { status, statusText, headers })
}

export function answeringOnWeb(request: object): Answering<Request> | undefined {
  return (request as Asking)[ANSWERING]
}
