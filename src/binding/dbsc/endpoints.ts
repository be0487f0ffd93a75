/** The device's own endpoints: one pure handler, and a sender for each kind of platform. */
import process from 'node:process'
import { errorResponse, isOperational } from '../../http/error-response.ts'
import { type IncomingMessage, NodeFacts, type ServerResponse } from '../../http/node.ts'
import type { RequestFacts } from '../../http/request-facts.ts'
import { WebFacts } from '../../http/web.ts'
import { type Answer, refusal, wellKnownAnswer } from './answers.ts'
import type { BindingContext } from './context.ts'
import type { Settings } from './options.ts'
import { refresh } from './refresh.ts'
import { register } from './registration.ts'

const WELL_KNOWN = '/.well-known/device-bound-sessions'

type Handler = (context: BindingContext, facts: RequestFacts) => Answer | Promise<Answer>

/** What answers a path; `undefined` when it is not ours. */
function handlerOf({ registrationPath, refreshPath, registeringOrigins }: Settings, path: string): Handler | undefined {
  if (path === registrationPath) return onlyPost(register)
  if (path === refreshPath) return onlyPost(refresh)
  return path === WELL_KNOWN && registeringOrigins.length > 0 ? wellKnown : undefined
}

function onlyPost(handler: Handler): Handler {
  return (context, facts) => {
    if (facts.method !== 'POST') return notAllowed(context, 'POST')
    // Over plain HTTP the bound cookie would cross the network readable. No 4xx: a proxy that is not configured must not end bindings.
    return context.http.isSecure(facts) ? handler(context, facts) : refusal(context, 500)
  }
}

function wellKnown(context: BindingContext, facts: RequestFacts): Answer {
  return facts.method === 'GET' || facts.method === 'HEAD' ? wellKnownAnswer(context) : notAllowed(context, 'GET, HEAD')
}

function notAllowed(context: BindingContext, allow: string): Answer {
  const refused = refusal(context, 405)
  return { ...refused, headers: { ...refused.headers, Allow: allow } }
}

/** Trouble is never a 4xx, which would end the binding in the browser: a store away is 503, a mistake 500 and a warning. */
async function answerTo(handler: Handler, contextOf: () => BindingContext, facts: RequestFacts): Promise<Answer> {
  try {
    return await handler(contextOf(), facts)
  } catch (error) {
    if (!isOperational(error)) process.emitWarning(error instanceof Error ? error : String(error))
    const failed = errorResponse(error, 'application/json')
    return failed.status >= 500 ? failed : errorResponse(undefined, 'application/json')
  }
}

/** Answers on Node. Gives whether the path was ours; if not, the request is as it was. */
export function answerOnNode(
  settings: Settings,
  contextOf: () => BindingContext,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const facts = new NodeFacts(request)
  const handler = handlerOf(settings, facts.path)
  if (handler === undefined) return false
  answerTo(handler, contextOf, facts)
    .then((answer) => send(answer, response))
    .catch((error: unknown) => {
      // Of a middleware in front, which writes headers too. Nobody waits for this promise, and a rejection of it would end the process.
      process.emitWarning(error instanceof Error ? error : String(error))
      response.destroy()
    })
  return true
}

function send({ status, headers, setCookie, body }: Answer, response: ServerResponse): void {
  if (response.headersSent || response.destroyed) return
  response.statusCode = status
  for (const name in headers) response.setHeader(name, headers[name]!)
  if (setCookie !== undefined) response.appendHeader('Set-Cookie', setCookie)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(body)
}

/** The same for Web requests; `undefined` when the path is not ours. */
export async function answerOnWeb(
  settings: Settings,
  contextOf: () => BindingContext,
  request: Request,
  isSecure: ((request: Request) => boolean) | undefined,
): Promise<Response | undefined> {
  const facts = new WebFacts(request, { isSecure })
  const handler = handlerOf(settings, facts.path)
  if (handler === undefined) return undefined
  const { status, headers, setCookie, body } = await answerTo(handler, contextOf, facts)
  const sent = new Headers(headers)
  if (setCookie !== undefined) sent.append('Set-Cookie', setCookie)
  return new Response(body, { status, headers: sent })
}
