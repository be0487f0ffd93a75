/**
 * Device Bound Session Credentials: the browser makes a key that never leaves its device, and proves it every few minutes; a cookie copied
 * to another machine is worth nothing (W3C editor's draft of 17 February 2026).
 */
import { ConfigError } from '../core/errors.ts'
import { serviceOf } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import type { IncomingMessage, ServerResponse } from '../http/node.ts'
import type { GuardedHttp, RequestGuard } from '../http/request-guard.ts'
import { BoundCookie } from './dbsc/bound-cookie.ts'
import type { BindingContext } from './dbsc/context.ts'
import { answerOnNode, answerOnWeb } from './dbsc/endpoints.ts'
import { inspect, noteAtStart, respond } from './dbsc/ladder.ts'
import { BindingMacs } from './dbsc/macs.ts'
import { NOTE } from './dbsc/note.ts'
import { type DeviceBindingOptions, invalid, resolveOptions } from './dbsc/options.ts'
import { checkInstalled } from './dbsc/proof.ts'

export type { RequestGuard } from '../http/request-guard.ts'
export type { BindingMode, BindingRequest, DeviceBindingOptions } from './dbsc/options.ts'

/** What `deviceBinding` gives: a guard for an adapter's `guards`, and the endpoints that browsers call. */
export interface DeviceBinding extends RequestGuard {
  /**
   * Answers the device's endpoints on `node:http`, `node:https`, `node:http2` and Express. Call it before the session is opened: browsers send
   * these requests with neither `Origin` nor token, and no check against forgery would let them through.
   *
   * @returns Whether it answers this request. If not, it has called `next`, where there is one.
   * @example
   * app.use(binding.node) // in front of app.use(sessionMiddleware(sessions, { guards: [binding] }))
   */
  readonly node: (request: IncomingMessage, response: ServerResponse, next?: () => void) => boolean
  /**
   * The same for Web requests.
   *
   * @param isSecure - Whether a request came over TLS, as the option of that name of `sojourn/web`. Default: whether its URL says `https:`.
   * @returns The answer; `undefined` when the path is not one of these endpoints.
   * @example
   * Deno.serve(async (request) => (await binding.web(request)) ?? handle(request))
   */
  readonly web: (request: Request, isSecure?: (request: Request) => boolean) => Promise<Response | undefined>
}

/**
 * Binds sessions to the device they were started on, in browsers that can.
 *
 * Hand what it gives to the adapter as a guard, and its endpoints to the server. From then on each sign-in over TLS offers the browser to bind;
 * `session.binding` says where a session stands, and `session.requireBinding()` demands it.
 *
 * @param sessions - The service, from `createSessions`. Its store must keep records: a sealed cookie cannot be changed by the device's endpoints.
 * @param options - The fallback ladder, paths and lifetimes; safe without any.
 * @returns The guard, with the endpoints. It works once an adapter has it.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that browsers would refuse, a store that keeps no records, `jose` not
 * installed.
 * @see Device Bound Session Credentials, W3C draft; docs/guide/dbsc.md
 * @example
 * const binding = deviceBinding(sessions, { mode: 'preferred' })
 * app.use(binding.node)
 * app.use(sessionMiddleware(sessions, { guards: [binding] }))
 */
export function deviceBinding<Data>(sessions: Sessions<Data>, options: DeviceBindingOptions = {}): DeviceBinding {
  const settings = resolveOptions(options)
  const service = serviceOf(sessions)
  if (service.carrier !== undefined) {
    throw invalid(
      `the store '${service.config.store.name}' keeps sessions in their cookies`,
      'a store that keeps records',
      "a device's endpoints change a session without its cookie",
    )
  }
  checkInstalled()
  const macs = new BindingMacs(service.config.keyring, service.config.random)
  let context: BindingContext | undefined

  function attach(http: GuardedHttp): void {
    if (http.sessions !== (sessions as Sessions<unknown>))
      throw invalid('it was given to an adapter of other sessions', 'that of its own', 'it would look up keys in the wrong store')
    const { name, domain, path, sameSite } = http.sessionCookie
    const known = context?.http.sessionCookie
    if (known !== undefined) {
      const isSame = known.name === name && known.domain === domain && known.path === path && known.sameSite === sameSite
      if (!isSame) throw invalid('its adapters differ in their session cookies', 'one cookie', 'the bound cookie goes with it')
      return
    }
    if (settings.includeSite !== undefined && new URL(settings.includeSite).hostname !== domain)
      throw invalid("includeSite is not the session cookie's domain", 'a cookie shared with it', 'both must reach the same hosts')
    const cookie = new BoundCookie(http.sessionCookie, settings.cookieName, macs, settings.boundLifetime)
    context = { service, settings, macs, http, cookie }
  }

  function contextOf(): BindingContext {
    if (context !== undefined) return context
    throw new ConfigError(
      'deviceBinding was handed to no adapter; expected guards: [binding] among its options. See docs/guide/dbsc.md.',
      {
        code: 'ERR_CONFIG_INVALID',
      },
    )
  }

  return {
    name: NOTE,
    attach,
    notesAtStart: (request, subject) => noteAtStart(contextOf(), request, subject),
    inspect: (session, request) => inspect(contextOf(), session, request),
    respond: (session, request, target, hasStarted) => respond(contextOf(), session, request, target, hasStarted),
    node(request, response, next) {
      const isOurs = answerOnNode(settings, contextOf, request, response)
      if (!isOurs) next?.()
      return isOurs
    },
    web: (request, isSecure) => answerOnWeb(settings, contextOf, request, isSecure),
  }
}
