/** `client_secret_basic`: a client's id and secret in the `Authorization` header (RFC 6749, 2.3.1). */

/** RFC 7617, 2. An id and a secret of 512 characters each, all of them escaped, fit. */
const BASIC = /^basic +([A-Za-z0-9+/]{1,4100}={0,2})$/i

/** What the header says; `undefined` for another scheme, or when it is not what the standard makes of an id and a secret. */
export function readBasic(authorization: string): { readonly clientId: string; readonly clientSecret: string } | undefined {
  const encoded = BASIC.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'))
    const colon = text.indexOf(':')
    return colon === -1 ? undefined : { clientId: fromForm(text.slice(0, colon)), clientSecret: fromForm(text.slice(colon + 1)) }
  } catch {
    // No UTF-8, or a `%` that escapes nothing.
    return undefined
  }
}

/** Both were form-encoded before they were joined, so that an id may hold a colon (RFC 6749, 2.3.1 and appendix B). */
function fromForm(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
