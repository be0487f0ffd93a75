/**
 * Transactions: what this browser is doing at the provider. Each is one sealed cookie, so that nobody who only looks at the sign-in page costs a row, and
 * each is found by its `state` and used once, by a claim on the ledger (ASVS 5.0, 10.1.2). A callback without one is somebody else's (login CSRF).
 */
import { equalInConstantTime, sha256 } from '../../core/crypto.ts'
import { minutes } from '../../core/duration.ts'
import type { Ledger } from '../../core/store.ts'
import { cookieValues } from '../../http/cookie-parse.ts'
import { type CookieShape, CookieWriter } from '../../http/cookie-serialise.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Sealing } from './sealing.ts'

interface Common {
  /** What the provider gives back unchanged; names the transaction. */
  readonly state: string
  readonly startedAt: number
  /** A safe path of this site. */
  readonly returnTo: string
}

/** A sign-in or a step-up under way. */
export interface AuthenticationTransaction extends Common {
  readonly kind: 'sign-in' | 'step-up'
  readonly nonce: string
  /** PKCE's code verifier (RFC 7636). */
  readonly verifierSecret: string
  /** Oldest proof that will do, in milliseconds before `startedAt`. */
  readonly maxAge?: number | undefined
  readonly acrValues: readonly string[]
  /** The session that steps up. */
  readonly sessionId?: string | undefined
}

/** A sign-out that went on to the provider. */
export interface SignOutTransaction extends Common {
  readonly kind: 'sign-out'
}

export type Transaction = AuthenticationTransaction | SignOutTransaction

/** `unknown`: this browser has none with this state. */
export type NoTransaction = 'unknown-transaction' | 'expired' | 'replayed'

/** How long somebody may take at the provider. */
export const TRANSACTION_LIFETIME = minutes(10)
/** In tabs side by side; the oldest goes first, or cookies would crowd out the session's own. */
const MOST_TRANSACTIONS = 4
/** How many of them are looked at; a browser that sends more was stuffed. */
const MOST_SEEN = 24
const SUFFIX = /^[0-9a-f]{16}$/
const STATE = /^[A-Za-z0-9_-]{43}$/

export class Transactions {
  readonly #prefix: { readonly secure: string; readonly plain: string }
  readonly #sealing: Sealing
  readonly #ledger: Ledger
  readonly #name: string

  /** @param session - The session cookie over TLS, which these are called after: `__Host-sjn-sso-...`, always of one host. */
  constructor(session: CookieShape, name: string, sealing: Sealing, ledger: Ledger) {
    const plain = `${session.name.replace(/^__(?:Host|Secure)-/, '')}-${name}-`
    this.#prefix = { secure: `__Host-${plain}`, plain }
    this.#sealing = sealing
    this.#ledger = ledger
    this.#name = name
  }

  /** Sends the transaction's cookie with the answer. @throws as `Exchange.sendCookie` */
  begin(exchange: Exchange<unknown, unknown>, transaction: Transaction): void {
    const now = transaction.startedAt
    const writer = this.#writer(exchange, suffixOf(transaction.state))
    const sealed = this.#sealing.seal(writer.shape.name, transaction).toString('base64url')
    exchange.sendCookie(writer, writer.set(sealed, { expiresAt: now + TRANSACTION_LIFETIME, now }))
    for (const other of this.#surplus(exchange)) exchange.sendCookie(other, other.clear)
  }

  /**
   * Takes the transaction a callback belongs to. Whatever it gives, it gives a transaction to one caller only, in all processes.
   *
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - whether it was taken is not known; the browser can try the same again.
   */
  async take<Kind extends Transaction['kind']>(
    exchange: Exchange<unknown, unknown>,
    state: string | undefined,
    { kinds, now }: { readonly kinds: readonly Kind[]; readonly now: number },
  ): Promise<Extract<Transaction, { kind: Kind }> | NoTransaction> {
    if (state === undefined || !STATE.test(state)) return 'unknown-transaction'
    const writer = this.#writer(exchange, suffixOf(state))
    const transaction = this.#read(exchange, writer)
    if (transaction === undefined || !isSame(transaction.state, state)) return 'unknown-transaction'
    if (!(kinds as readonly string[]).includes(transaction.kind)) return 'unknown-transaction'
    // A clock that went back makes it old too: how old is not known.
    const age = now - transaction.startedAt
    if (age >= TRANSACTION_LIFETIME || age < -TRANSACTION_LIFETIME) return 'expired'
    const key = `oidc:${this.#name}:transaction:${sha256(Buffer.from(state)).toString('base64url')}`
    const isFirst = await this.#ledger.claim(key, { now, deadline: now + 2 * TRANSACTION_LIFETIME })
    exchange.sendCookie(writer, writer.clear)
    return isFirst ? (transaction as Extract<Transaction, { kind: Kind }>) : 'replayed'
  }

  #writer(exchange: Exchange<unknown, unknown>, suffix: string): CookieWriter {
    const isSecure = !exchange.isLoopback
    const name = (isSecure ? this.#prefix.secure : this.#prefix.plain) + suffix
    // Lax: the browser comes back by a link of the provider's.
    return new CookieWriter({ name, path: '/', sameSite: 'lax', isSecure })
  }

  #read(exchange: Exchange<unknown, unknown>, writer: CookieWriter): Transaction | undefined {
    const { name } = writer.shape
    const [value, second] = cookieValues(exchange.facts.header('cookie') ?? '', name)
    // Two of one name: one of them is a neighbour's, and nobody can tell which.
    if (value === undefined || second !== undefined) return undefined
    return this.#sealing.open(name, Buffer.from(value, 'base64url')) as Transaction | undefined
  }

  /** The cookies that are too many beside a new one: those nobody can read, and the oldest. */
  #surplus(exchange: Exchange<unknown, unknown>): readonly CookieWriter[] {
    const prefix = exchange.isLoopback ? this.#prefix.plain : this.#prefix.secure
    const suffixes = new Set<string>()
    for (const pair of (exchange.facts.header('cookie') ?? '').split(';')) {
      const name = pair.slice(0, pair.indexOf('=')).trim()
      const suffix = name.startsWith(prefix) ? name.slice(prefix.length) : ''
      if (SUFFIX.test(suffix) && suffixes.size < MOST_SEEN) suffixes.add(suffix)
    }
    if (suffixes.size < MOST_TRANSACTIONS) return []
    const others = [...suffixes].map((suffix) => {
      const writer = this.#writer(exchange, suffix)
      return { writer, startedAt: this.#read(exchange, writer)?.startedAt ?? 0 }
    })
    others.sort((a, b) => b.startedAt - a.startedAt)
    return others.slice(MOST_TRANSACTIONS - 1).map(({ writer }) => writer)
  }
}

function suffixOf(state: string): string {
  return sha256(Buffer.from(state)).toString('hex', 0, 8)
}

function isSame(a: string, b: string): boolean {
  return equalInConstantTime(Buffer.from(a), Buffer.from(b))
}
