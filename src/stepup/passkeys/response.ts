/** What a browser sends as a passkey's answer, read as anybody might have sent it: any JSON at all. Nothing here throws, and everything has a bound. */

/** A registration as it came; nothing of it is verified. */
export interface RegistrationAnswer {
  readonly id: string
  readonly client: ClientData
  readonly clientDataJSON: string
  readonly attestationObject: string
  readonly transports: readonly string[]
}

/** An assertion as it came; nothing of it is verified. */
export interface AssertionAnswer {
  readonly id: string
  readonly client: ClientData
  readonly clientDataJSON: string
  readonly authenticatorData: string
  readonly signature: string
  /** `undefined` where the authenticator kept none. */
  readonly userHandle: string | undefined
}

/** What the browser signed about itself and the page. */
interface ClientData {
  readonly type: string
  readonly challenge: string
  readonly origin: string
  /** Whether the page was framed by another origin. */
  readonly isFramed: boolean
}

/** 1,023 bytes (WebAuthn level 3, 7.1). */
const LONGEST_ID = 1364
const LONGEST_CLIENT_DATA = 4096
/** The longest key we take has 1,024 bytes; certificates, which are not asked for, would need more. */
const LONGEST_ATTESTATION = 8192
const LONGEST_AUTHENTICATOR_DATA = 4096
const LONGEST_SIGNATURE = 2048
/** 64 bytes. */
const LONGEST_USER_HANDLE = 86
const MOST_TRANSPORTS = 8
const TRANSPORT = /^[a-z-]{1,20}$/
const BASE64URL = /^[A-Za-z0-9_-]+$/

/** @returns `undefined` for anything that is no registration. */
export function readRegistration(given: unknown): RegistrationAnswer | undefined {
  const { id, response } = outer(given)
  const clientDataJSON = text(response.clientDataJSON, LONGEST_CLIENT_DATA)
  const attestationObject = text(response.attestationObject, LONGEST_ATTESTATION)
  const client = clientDataJSON && readClientData(clientDataJSON)
  if (!id || !client || !attestationObject) return undefined
  const { transports } = response
  const isList = Array.isArray(transports) && transports.length <= MOST_TRANSPORTS
  const known = isList ? transports.filter((name) => typeof name === 'string' && TRANSPORT.test(name)) : []
  return { id, client, clientDataJSON: clientDataJSON!, attestationObject, transports: known }
}

/** @returns `undefined` for anything that is no assertion. */
export function readAssertion(given: unknown): AssertionAnswer | undefined {
  const { id, response } = outer(given)
  const clientDataJSON = text(response.clientDataJSON, LONGEST_CLIENT_DATA)
  const authenticatorData = text(response.authenticatorData, LONGEST_AUTHENTICATOR_DATA)
  const signature = text(response.signature, LONGEST_SIGNATURE)
  const client = clientDataJSON && readClientData(clientDataJSON)
  if (!id || !client || !authenticatorData || !signature) return undefined
  const { userHandle } = response
  const hasNone = userHandle === undefined || userHandle === null || userHandle === ''
  const handle = hasNone ? undefined : text(userHandle, LONGEST_USER_HANDLE)
  if (!hasNone && handle === undefined) return undefined
  return { id, client, clientDataJSON: clientDataJSON!, authenticatorData, signature, userHandle: handle }
}

function outer(given: unknown): { id: string | undefined; response: Record<string, unknown> } {
  const { id, rawId, type, response } = objectOr(given)
  const isPublicKey = type === 'public-key' && id === rawId
  return { id: isPublicKey ? text(id, LONGEST_ID) : undefined, response: objectOr(response) }
}

function objectOr(given: unknown): Record<string, unknown> {
  return typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {}
}

/** Base64url in its one spelling. */
function text(given: unknown, longest: number): string | undefined {
  if (typeof given !== 'string' || given.length > longest || !BASE64URL.test(given)) return undefined
  return Buffer.from(given, 'base64url').toString('base64url') === given ? given : undefined
}

/** UTF-8 with or without a byte order mark (WebAuthn level 3, 7.1, 5). */
function readClientData(encoded: string): ClientData | undefined {
  try {
    const bytes = Buffer.from(encoded, 'base64url')
    const data = objectOr(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
    const { type, challenge, origin, crossOrigin, topOrigin } = data
    if (typeof type !== 'string' || typeof challenge !== 'string' || typeof origin !== 'string') return undefined
    const isFramed = (crossOrigin !== undefined && crossOrigin !== false) || topOrigin !== undefined
    return { type, challenge, origin, isFramed }
  } catch {
    return undefined
  }
}
