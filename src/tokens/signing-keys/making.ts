/** Finding a period's key, or making it, so that all processes have the same one: one of them makes it, the others wait for what it puts down. */
import { monotonic } from '../../core/clock.ts'
import { StoreError } from '../../core/errors.ts'
import type { TokenContext } from '../context.ts'
import { makeKeyPair, type SigningKey, signingKeyOf } from './key-pair.ts'
import { createKeyVault, type Found, type KeyVault, MAKING_TIME, type StoredPair } from './key-vault.ts'
import type { Period } from './periods.ts'

const POLL_INTERVAL = 50
/** A maker who stopped halfway is replaced after `MAKING_TIME`; whoever waits gives up a little later, for its request must not hang. */
const MOST_POLLS = (MAKING_TIME + 2_000) / POLL_INTERVAL

export interface KeyMaker {
  /** The key of a period, made if there is none. @throws {StoreError} `ERR_STORE_UNAVAILABLE` */
  ensure(period: Period, isAhead: boolean): Promise<SigningKey>
  /** The key of a period, `undefined` where there is none. @throws {StoreError} `ERR_STORE_UNAVAILABLE` */
  find(period: Period): Promise<SigningKey | undefined>
  /** Puts a key back that the ledger has lost. */
  restore(key: SigningKey): Promise<void>
  readonly mayReport: KeyVault['mayReport']
}

export function createKeyMaker(context: TokenContext): KeyMaker {
  const { algorithm } = context.settings
  const { events } = context.service
  const vault = createKeyVault(context)

  async function makeOnce(period: Period, isAhead: boolean, before: Found): Promise<StoredPair | undefined> {
    const startedAt = monotonic()
    if (!(await vault.mayMake(period))) return undefined
    // Another may have made it between this process's look and its claim.
    const meanwhile = await vault.find(period)
    if (typeof meanwhile !== 'string') return meanwhile
    const pair = await makeKeyPair(algorithm)
    // Too slow to be alone still: what is put down now could push out a key that signs already.
    if (monotonic() - startedAt > MAKING_TIME / 2) return undefined
    await vault.keep(period, pair)
    const kept = await vault.find(period)
    if (typeof kept === 'string' || kept.kid !== pair.kid) return undefined
    const reason = before === 'damaged' ? 'damaged' : isAhead ? 'due' : 'missing'
    events.emit({ type: 'signing-key.added', kid: pair.kid, algorithm, reason, signsFrom: period.signsFrom })
    return kept
  }

  async function ensurePair(period: Period, isAhead: boolean): Promise<StoredPair> {
    for (let poll = 0; poll < MOST_POLLS; poll++) {
      if (poll > 0) await pause(POLL_INTERVAL)
      const found = await vault.find(period)
      if (typeof found !== 'string') return found
      const made = await makeOnce(period, isAhead, found)
      if (made !== undefined) return made
    }
    throw new StoreError('Another process is making the signing key and has not put it down. No token can be signed for now.', {
      code: 'ERR_STORE_UNAVAILABLE',
      status: 503,
    })
  }

  return {
    mayReport: vault.mayReport,
    async ensure(period, isAhead) {
      return signingKeyOf(await ensurePair(period, isAhead), algorithm, period)
    },
    async restore({ period, entry }) {
      // Not while another makes one: that is then everybody's.
      if (await vault.mayMake(period)) await vault.restore(period, entry)
    },
    async find(period) {
      const found = await vault.find(period)
      return typeof found === 'string' ? undefined : signingKeyOf(found, algorithm, period)
    },
  }
}

/** Somebody's request waits, so that the process stays. */
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
