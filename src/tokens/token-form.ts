/** What the endpoints that are asked about a token have in common: who asks, and about which one. */
import { type EndpointAnswer, type EndpointRequest, jsonAnswer } from '../http/endpoints.ts'
import { LONGEST } from './access-token/reading.ts'
import { invalidClient } from './clients/refusals.ts'
import type { RegisteredClient } from './options.ts'
import type { TokenParts } from './token-parts.ts'

/** Where something is missing: RFC 6749, 5.2. Says nothing of what was sent. */
export function invalidRequest(description: string): EndpointAnswer {
  return jsonAnswer(400, { error: 'invalid_request', error_description: description })
}

/**
 * Reads the form: `token`, and who calls. A token in the URL is not looked at: URLs are written into logs.
 *
 * @returns The refusal, where there is one.
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - whether an assertion was used before is not known.
 */
export async function readTokenForm(
  { context, clients }: Pick<TokenParts, 'context' | 'clients'>,
  request: EndpointRequest,
): Promise<{ readonly client: RegisteredClient; readonly token: string } | { readonly refusal: EndpointAnswer }> {
  const form = await request.form()
  if (form === undefined) return { refusal: invalidRequest('Send a form: application/x-www-form-urlencoded.') }
  const client = await clients.authenticate(request, form)
  if (client === undefined) return { refusal: invalidClient(context) }
  const [token, ...others] = form.getAll('token')
  if (token === undefined || token === '' || others.length > 0) return { refusal: invalidRequest('Send one token in the form.') }
  // Cut, so that it is none of ours any more: whatever it is, it is answered like any that is not.
  return { client, token: token.slice(0, LONGEST + 1) }
}
