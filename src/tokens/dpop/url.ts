/** When two URLs are the same target (RFC 9449, 4.3, check 9; RFC 3986, 6.2.2 and 6.2.3). */

/**
 * RFC 3986 in characters, without user names. Clients and we must see the same host in one text: what only a lenient parser takes for a URL, such as a
 * backslash for a slash, is none, or a proof for one host would pass as one for another.
 */
const STRICT =
  /^https?:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{0,5})?(?:[/?#](?:[a-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9a-f]{2})*)?$/i
const HOST = /^https?:\/\/([^:/?#[]+|\[[^\]]*\])/i
const UNRESERVED = /[A-Za-z0-9._~-]/

/**
 * What a proof's `htu` is compared by: scheme and host in small letters, no default port, dots resolved, percent-encoding in capitals and only where it is
 * needed; query and fragment left out.
 *
 * @returns `undefined` where it is no http or https URL.
 */
export function targetOf(htu: string): string | undefined {
  if (!STRICT.test(htu)) return undefined
  const target = normalised(htu)
  // `127.1` and `0x7f.0.0.1` are addresses to a URL parser; to whoever reads the proof they are names.
  const host = HOST.exec(htu)![1]!.toLowerCase()
  return target !== undefined && (host.startsWith('[') || target.host === host) ? target.text : undefined
}

/** The same for the URL that we know ourselves by; anything a URL parser takes. */
export function ownTarget(url: string): string | undefined {
  return normalised(url)?.text
}

function normalised(url: string): { readonly text: string; readonly host: string } | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, host, hostname, pathname } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  const path = pathname.replace(/%[0-9a-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
    return UNRESERVED.test(character) ? character : encoded.toUpperCase()
  })
  return { text: `${protocol}//${host}${path}`, host: hostname }
}
