/** What `@serenity-kit/opaque` computes for the server (RFC 9807 on ristretto255, SHA-512 and, in the browser, Argon2id). It throws at whatever is no message of its own. */
import { ConfigError } from '../../core/errors.ts'

/** The server's side of the protocol under one setup. `undefined` is the answer to what is no message. */
export interface OpaqueServer {
  registrationResponse(identifier: string, registrationRequest: string): string | undefined
  /** Whether a record is one that a login can be made with. */
  isRecord(registrationRecord: string): boolean
  /** Without a record it makes up one, so that the answer says nothing of whether there is any (RFC 9807, "Client Enumeration"). */
  startLogin(
    identifier: string,
    registrationRecord: string | undefined,
    startLoginRequest: string,
  ): { readonly serverLoginState: string; readonly loginResponse: string } | undefined
  /** Whether the client has shown that it has the password. */
  finishLogin(serverLoginState: string, finishLoginRequest: string): boolean
}

const INSTALL = 'install it: npm install @serenity-kit/opaque. See docs/guide/opaque.md.'

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - the package is not installed. */
export function checkInstalled(): void {
  try {
    // Not every bundler has it; there the first message says it.
    import.meta.resolve?.('@serenity-kit/opaque')
  } catch (cause) {
    throw missing(cause)
  }
}

/** A new setup, in the clear. */
export async function newSetup(): Promise<string> {
  return (await loaded()).server.createSetup()
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - it is no setup, or the package is not installed. */
export async function serverOf(serverSetup: string): Promise<OpaqueServer> {
  const { client, server } = await loaded()
  if (attempt(() => server.getPublicKey(serverSetup)) === undefined) {
    throw new ConfigError(
      'createOpaque: setup is of another version of @serenity-kit/opaque, or was not made by newOpaqueSetup. See docs/guide/opaque.md.',
      { code: 'ERR_CONFIG_INVALID' },
    )
  }
  const { startLoginRequest: anyRequest } = client.startLogin({ password: 'any' })
  const startLogin: OpaqueServer['startLogin'] = (userIdentifier, registrationRecord, startLoginRequest) =>
    attempt(() => server.startLogin({ serverSetup, userIdentifier, registrationRecord, startLoginRequest }))
  return {
    registrationResponse: (userIdentifier, registrationRequest) =>
      attempt(() => server.createRegistrationResponse({ serverSetup, userIdentifier, registrationRequest }))
        ?.registrationResponse,
    isRecord: (registrationRecord) => startLogin('any', registrationRecord, anyRequest) !== undefined,
    startLogin,
    finishLogin: (serverLoginState, finishLoginRequest) =>
      attempt(() => server.finishLogin({ serverLoginState, finishLoginRequest })) !== undefined,
  }
}

async function loaded() {
  let library: typeof import('@serenity-kit/opaque')
  try {
    library = await import('@serenity-kit/opaque')
  } catch (cause) {
    throw missing(cause)
  }
  await library.ready
  return library
}

const missing = (cause: unknown) =>
  new ConfigError(`sojourn/stepup/opaque needs the package '@serenity-kit/opaque'; ${INSTALL}`, {
    code: 'ERR_CONFIG_INVALID',
    cause,
  })

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    // Every way in which bytes of a stranger can be no message. Which one it was helps only whoever sent them.
    return undefined
  }
}
