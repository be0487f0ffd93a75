/** `--sso`: opens Sojourn ID and the Reading Club beside the shop, and makes the shop one of the applications people enter with it. */
import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import { isSojournError, type Sessions, type Store } from 'sojourn'
import { type RelyingParty, relyingParty } from 'sojourn/oidc'
import { memoryStore } from 'sojourn/stores/memory'
import { closeServer, listen, portOf, type ShopServer } from '../listening.ts'
import type { People } from '../people.ts'
import { StartError } from '../start-error.ts'
import { createClub } from './club.ts'
import { Guesses } from './guesses.ts'
import { AFTER_LOGOUT, BACK_CHANNEL, CALLBACK } from './paths.ts'
import { type ConnectedApp, createProvider } from './provider.ts'

export interface ShopSso {
  readonly party: RelyingParty
  /** Where Sojourn ID and the club are. */
  readonly provider: string
  readonly club: string
  close(): Promise<void>
}

export interface SsoPlace {
  readonly people: People
  readonly keys: string
  readonly store: Store
  /** Where the shop is. */
  readonly origin: string
  /** The shop's own port as it was asked for; the others are the next two. 0 lets the system choose. */
  readonly port: number
}

/** @throws {StartError} A port is taken, or the shop's store cannot end the visits of one login. */
export async function openSso<Data>(sessions: Sessions<Data>, { people, keys, origin, port, store }: SsoPlace): Promise<ShopSso> {
  if (store.capabilities.revokesLinked !== true)
    throw new StartError(
      `--sso needs a store that finds visits by their sign-in at Sojourn ID, which ${store.name} cannot; leave out STORE, or set it to memory, redis or postgres.`,
    )
  const provider = await openAt(port === 0 ? 0 : port + 1, port)
  const club = await openAt(port === 0 ? 0 : port + 2, port)
  const apps = [appOf('sojourn-books', 'Sojourn Books', origin), appOf('reading-club', 'The Reading Club', club.origin)] as const
  const guessing = memoryStore()
  try {
    const party = relyingParty(sessions, partyOptions(provider.origin, apps[0]))
    const clubApp = createClub({ ...partyOptions(provider.origin, apps[1]), shop: origin, keys })
    provider.serve(await createProvider({ origin: provider.origin, apps, people, guesses: new Guesses(guessing) }))
    club.serve(clubApp.app)
    return {
      party,
      provider: provider.origin,
      club: club.origin,
      async close() {
        await Promise.all([...provider.servers, ...club.servers].map(closeServer))
        await clubApp.close()
        await guessing.close()
      },
    }
  } catch (error) {
    if (isSojournError(error)) throw new StartError(error.message)
    throw error
  }
}

/** What each of the two applications tells `relyingParty`. Both know people by the name that Sojourn ID has for them. */
export function partyOptions(issuer: string, { clientId, clientSecret, origin }: ConnectedApp) {
  return {
    issuer,
    clientId,
    clientSecret,
    redirectUri: `${origin}${CALLBACK}`,
    postLogoutRedirectUri: `${origin}${AFTER_LOGOUT}`,
    paths: { backChannelLogout: BACK_CHANNEL },
    subjectOf: ({ sub }: { readonly sub: string }) => sub,
    // Everything here stays on this machine's loopback addresses.
    dangerouslyAllowHttp: true,
  }
}

function appOf(clientId: string, name: string, origin: string): ConnectedApp {
  return { clientId, clientSecret: randomBytes(32).toString('base64url'), name, origin }
}

interface Place {
  readonly origin: string
  readonly servers: readonly ShopServer[]
  serve(listener: RequestListener): void
}

/** Listens first: an address is part of what is told to the others. */
async function openAt(wanted: number, shopPort: number): Promise<Place> {
  let listener: RequestListener = (_request, response) => response.writeHead(503, { 'Retry-After': '1' }).end('One moment.\n')
  const servers = await listen(
    () => createServer({ requestTimeout: 30_000 }, (request, response) => listener(request, response)),
    wanted,
    () => `PORT=${shopPort + 10} npm start -- --sso`,
  )
  return {
    origin: `http://localhost:${portOf(servers[0])}`,
    servers,
    serve(real) {
      listener = real
    },
  }
}
