/**
 * The cookie that a token, or a passkey's challenge, is bound to for a visitor who has no session, so that a sign-in cannot be forged and no row is written for
 * somebody who only looks (login CSRF; CSRF Prevention Cheat Sheet, "Possible CSRF Vulnerabilities in Login Forms").
 */
import type { Random } from '../../core/crypto.ts'
import { cookieValues } from '../cookie-parse.ts'
import { type CookieShape, CookieWriter } from '../cookie-serialise.ts'

const BYTES = 32
const VALUE = /^[A-Za-z0-9_-]{43}$/

/** Writes and reads the cookie, over TLS and on a developer's machine. */
export class AnonymousCookie {
  readonly secure: CookieWriter
  readonly plain: CookieWriter
  readonly #random: Random

  /**
   * @param session - The session cookie over TLS. This one is called after it, `__Host-sjn-csrf`: always of one host, since with a name a
   * neighbouring subdomain can set (cookie tossing), the neighbour would know the value, and get the token that goes with it.
   */
  constructor(session: CookieShape, random: Random) {
    const name = `${session.name.replace(/^__(?:Host|Secure)-/, '')}-csrf`
    const sameSite = session.sameSite === 'none' ? 'none' : 'lax'
    this.secure = new CookieWriter({ name: `__Host-${name}`, path: '/', sameSite, isSecure: true })
    this.plain = new CookieWriter({ name, path: '/', sameSite: 'lax', isSecure: false })
    this.#random = random
  }

  /** A value nobody can guess. */
  newValue(): string {
    return Buffer.from(this.#random(BYTES)).toString('base64url')
  }

  /** The value a `Cookie` header has. None where it has two: one of them is somebody else's, and nobody can tell which. */
  valueIn(header: string | undefined, { shape }: CookieWriter): string | undefined {
    if (header === undefined) return undefined
    const [value, second] = cookieValues(header, shape.name)
    return value !== undefined && second === undefined && VALUE.test(value) ? value : undefined
  }
}
