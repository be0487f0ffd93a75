/** Where a form has its token: the field `csrf_token` of a body that somebody parsed, or of a Web request's own. */

/** Name of the field. */
export const CSRF_FIELD = 'csrf_token'
/** Name of the header, which wins over the field. */
export const CSRF_HEADER = 'x-csrf-token'
/** As much of a Web request's body is looked at, in bytes; a larger form sends the header. */
const LARGEST_FORM = 131_072

/** The field of a parsed body, whatever it is. Own fields only: an object's parents are not what the client sent. */
export function fieldOfParsed(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, CSRF_FIELD)) return undefined
  return (body as Record<string, unknown>)[CSRF_FIELD]
}

/**
 * The field of a form in a Web request. A copy is read: the handler gets the body as it came. `undefined` where there is no form, it is over
 * the limit, or breaks off.
 */
export async function fieldOfRequest(request: Request): Promise<unknown> {
  const contentType = request.headers.get('content-type')
  if (contentType === null || !/^(?:application\/x-www-form-urlencoded|multipart\/form-data)(?:;|$)/i.test(contentType.trim()))
    return undefined
  if (request.bodyUsed || Number(request.headers.get('content-length') ?? 0) > LARGEST_FORM) return undefined
  try {
    const body = await bounded(request.clone().body)
    if (body === undefined) return undefined
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData()
    const fields = form.getAll(CSRF_FIELD)
    return fields.length > 1 ? fields : fields[0]
  } catch {
    return undefined
  }
}

async function bounded(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array | undefined> {
  if (body === null) return undefined
  const reader = body.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(parts, length)
    length += value.byteLength
    if (length > LARGEST_FORM) {
      // Not waited for: of a copied body it settles only when the other copy is read or cancelled too.
      reader.cancel().catch(() => {})
      return undefined
    }
    parts.push(value)
  }
}
