/**
 * What the server keeps between the two messages of a ceremony: in the ledger, for a minute, taken once, under a ticket that only the visitor it was given to can
 * use. Sealed, since whoever reads it can finish a login without the password.
 */
import { sha256 } from '../../core/crypto.ts'
import { minutes } from '../../core/duration.ts'
import type { Service } from '../../core/service.ts'
import type { Session } from '../../core/session.ts'
import type { Ledger } from '../../core/store.ts'
import type { FactorVault } from '../factor-vault.ts'
import { ownerOf } from '../owner.ts'

/** A ticket of one is none of the other. */
export type Ceremony = 'registration' | 'login'

const LIFETIME = minutes(1)
const TICKET_BYTES = 16
const TICKET = /^[A-Za-z0-9_-]{22}$/

export class Tickets {
  readonly #service: Service
  readonly #ledger: Ledger
  readonly #vault: FactorVault

  constructor(service: Service, ledger: Ledger, vault: FactorVault) {
    this.#service = service
    this.#ledger = ledger
    this.#vault = vault
  }

  /** Keeps something for whoever this session is. A visitor without one gets a cookie with a random value instead. */
  async keep(ceremony: Ceremony, session: Session<unknown>, kept: unknown): Promise<string> {
    const { clock, random } = this.#service.config
    const ticket = Buffer.from(random(TICKET_BYTES)).toString('base64url')
    const key = keyOf(ceremony, ownerOf(session, true)!, ticket)
    const now = clock()
    await this.#ledger.put(key, this.#vault.seal(kept, whose(key)), { now, deadline: now + LIFETIME })
    return ticket
  }

  /** What was kept, once; `undefined` for another visitor's, another ceremony's, an outdated or a used ticket. */
  async take(ceremony: Ceremony, session: Session<unknown>, ticket: unknown): Promise<unknown> {
    const owner = ownerOf(session, false)
    if (owner === undefined || typeof ticket !== 'string' || !TICKET.test(ticket)) return undefined
    const key = keyOf(ceremony, owner, ticket)
    const sealed = await this.#ledger.take(key, { now: this.#service.config.clock() })
    return sealed && this.#vault.open({ ...whose(key), sealed })
  }
}

/** Hashed: a visitor's cookie, and a ticket that is still good, are secrets of theirs. */
function keyOf(ceremony: Ceremony, owner: string, ticket: string): string {
  return `stepup:opaque:${ceremony}:${sha256(Buffer.from(`${owner}\0${ticket}`)).toString('base64url')}`
}

const whose = (key: string) => ({ kind: 'opaque-state', id: key, subject: '' })
