/** Who may call the endpoints, as the options name them: every default filled in, and refused at start-up what would prove nothing. */
import { checkKnown, invalidTokens, isAudience, isScope, type RegisteredClient, type TokenClient } from '../options.ts'
import { complaintAbout } from './complaints.ts'

const KNOWN = new Set<string>(['id', 'authentication', 'scopes', 'audiences', 'may', 'dpop'] satisfies (keyof TokenClient)[])
const MAY: readonly unknown[] = ['introspect', 'feed']
const CLIENT_ID = /^[\x21-\x7e]{1,128}$/

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - says which client, by its place, and what is wrong with it. */
export function resolveClients(clients: unknown, defaultAudience: string): ReadonlyMap<string, RegisteredClient> {
  if (!Array.isArray(clients))
    throw invalidTokens('clients is no list', "one such as [{ id: 'app', authentication: 'public' }]", 'each is known by its id')
  const resolved = new Map<string, RegisteredClient>()
  for (const [index, given] of clients.entries()) {
    const client = resolveClient(`client ${index + 1}`, given, defaultAudience)
    if (resolved.has(client.id))
      throw invalidTokens(`client ${index + 1} has the id of another`, 'ids that differ', 'it would be taken for that one')
    resolved.set(client.id, client)
  }
  return resolved
}

function resolveClient(which: string, given: unknown, defaultAudience: string): RegisteredClient {
  if (typeof given !== 'object' || given === null)
    throw invalidTokens(`${which} is no object`, "one such as { id: 'app', authentication: 'public' }", 'it needs both')
  checkKnown(given, KNOWN, `an option under ${which}`)
  const { id, authentication, scopes = [], audiences = [defaultAudience], may = [] } = given as TokenClient
  if (typeof id !== 'string' || !CLIENT_ID.test(id))
    throw invalidTokens(`${which} has no usable id`, '1 to 128 visible ASCII characters', 'it is sent as client_id')
  checkAuthentication(which, authentication)
  checkList(`${which}: scopes`, scopes, isScope, 'words without blanks, quotes and backslashes (RFC 6749, 3.3)')
  checkList(`${which}: audiences`, audiences, isAudience, "names such as 'https://api.shop.example'")
  if (audiences.length === 0)
    throw invalidTokens(`${which}: audiences is empty`, 'at least one', 'a token for nobody is refused everywhere')
  checkList(`${which}: may`, may, (word) => MAY.includes(word), "'introspect', 'feed' or both")
  const isPublic = authentication === 'public'
  if (isPublic && may.length > 0)
    throw invalidTokens(`${which} is public and may ask about tokens`, 'a client that proves itself', 'anybody can say its id')
  const { dpop = isPublic ? 'required' : 'allowed' } = given as TokenClient
  if (dpop !== 'allowed' && dpop !== 'required')
    throw invalidTokens(`${which}: dpop is neither word`, "'allowed' or 'required'", 'what is not said cannot be kept')
  return { id, authentication, scopes, audiences, may, dpop }
}

function checkAuthentication(which: string, authentication: unknown): void {
  const complaint = complaintAbout(which, authentication)
  if (complaint !== undefined) throw invalidTokens(complaint.given, complaint.expected, complaint.why)
}

function checkList(name: string, list: unknown, isGood: (item: unknown) => boolean, expected: string): void {
  if (Array.isArray(list) && list.every(isGood) && new Set(list).size === list.length) return
  throw invalidTokens(`${name} is no list of these, each once`, expected, 'it is matched letter by letter')
}
