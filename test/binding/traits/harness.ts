/** A session service with the checks on, and clients to visit it with: the guard as an adapter calls it, without one around it. */
import { type TraitOptions, traitChecks } from '../../../src/binding/traits.ts'
import { type Session, workOf } from '../../../src/core/session.ts'
import type { GuardedRequest } from '../../../src/http/request-guard.ts'
import { type LooseOptions, setUp } from '../../core/support.ts'

/** What a client sends and where it is. */
export interface Client {
  readonly agent?: string | undefined
  readonly hints?: Readonly<Record<string, string>> | undefined
  readonly address?: string | undefined
  readonly isSocket?: boolean
}

export function requestOf({ agent, hints = {}, address, isSocket = false }: Client): GuardedRequest {
  const headers: Record<string, string | undefined> = {
    ...hints,
    'user-agent': agent,
  }
  const facts = {
    isEncrypted: true,
    peer: address,
    method: 'GET',
    host: 'shop.example',
    authority: 'shop.example',
    path: '/',
    header: (name: string) => headers[name],
  }
  return { facts, isSecure: true, clientAddress: address, isUpgrade: isSocket } as unknown as GuardedRequest
}

export function guarded(options: TraitOptions = {}, given: LooseOptions = {}) {
  const service = setUp(given)
  const { sessions } = service
  const guard = traitChecks(options)
  guard.attach({ sessions, sessionCookie: {} as never, isSecure: () => true } as never)
  const contextOf = (client: Client) => ({ notesAtStart: () => ({ traits: guard.notesAtStart!(requestOf(client), undefined)! }) })

  const tokenAfter = async (session: Session, token: string | undefined) => (await session.commit()).token ?? token
  /** Signs in from a client and gives its token. */
  const signIn = async (client: Client, subject = 'ada') =>
    (await tokenAfter(await sessions.signIn({ subject, method: 'pwd' }, contextOf(client)), undefined))!
  /** One request: what the handler sees, and the token the browser has afterwards. */
  const visit = async (token: string, client: Client, handle?: (session: Session) => unknown) => {
    const session = await sessions.read(token)
    if (workOf(session).active !== undefined) await guard.inspect(session, requestOf(client))
    await handle?.(session)
    return { session, token: (await tokenAfter(session, token))!, kind: (await session.commit()).kind }
  }
  /** What is kept. */
  const noteOf = async (token: string) => workOf(await sessions.read(token)).active?.record.details.notes?.traits
  const drifts = () => service.seen('traits.drifted')
  const writes = () => service.store.calls.filter((operation) => operation === 'update').length
  return { ...service, guard, signIn, visit, noteOf, drifts, writes }
}
