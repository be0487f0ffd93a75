/**
 * Signing keys: made here, sealed in the ledger, shared by all processes, and replaced before anybody has to ask (ASVS 5.0, 9.1.3, 11.1.1). The present one is kept
 * in memory, so that minting waits for nothing; once a minute the ledger is asked what has changed.
 */
import { minutes } from '../core/duration.ts'
import type { TokenContext } from './context.ts'
import type { SigningKeyStatus, SigningKeys } from './parts.ts'
import type { SigningKey } from './signing-keys/key-pair.ts'
import { createKeyMaker } from './signing-keys/making.ts'
import { type Period, periodAt, publishedAheadAt, RETIRED_FOR, retiredAt } from './signing-keys/periods.ts'

const REFRESH_INTERVAL = minutes(1)

export function createSigningKeys(context: TokenContext): SigningKeys {
  const { service, settings } = context
  const { issuer, algorithm } = settings
  const { clock } = service.config
  const { events } = service
  const maker = createKeyMaker(context)
  /** Those that sign, by the period's number. */
  const keys = new Map<number, SigningKey>()
  /** What was used here until another key was found in its place: what it signed must still verify. */
  const displaced = new Map<string, SigningKey>()
  const reported = new Set<string>()
  const pending = new Map<number, Promise<SigningKey>>()
  let refreshedAt = Number.NEGATIVE_INFINITY
  let refreshing: Promise<void> | undefined

  function adopt(key: SigningKey): SigningKey {
    const before = keys.get(key.period.number)
    if (before?.kid === key.kid) return before
    if (before !== undefined) {
      const period = { ...before.period, publishedUntil: clock() + RETIRED_FOR }
      displaced.set(before.kid, { ...before, period })
    }
    keys.set(key.period.number, key)
    return key
  }

  /** Many requests that come at once wait for one making. */
  function ensure(period: Period, isAhead: boolean): Promise<SigningKey> {
    const under = pending.get(period.number)
    if (under !== undefined) return under
    const making = maker
      .ensure(period, isAhead)
      .then(adopt)
      .finally(() => pending.delete(period.number))
    pending.set(period.number, making)
    return making
  }

  function current(): SigningKey | Promise<SigningKey> {
    const period = periodAt(clock(), settings)
    const key = keys.get(period.number)
    if (key === undefined) return ensure(period, false)
    // Not waited for, and reported by the call itself if it fails: the key of now is good without.
    if (isStale()) refresh().catch(() => {})
    return key
  }

  /** A clock that went back counts too. */
  function isStale(): boolean {
    return Math.abs(clock() - refreshedAt) >= REFRESH_INTERVAL
  }

  function refresh(): Promise<void> {
    refreshing ??= refreshNow().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  async function refreshNow(): Promise<void> {
    const now = clock()
    // Said before it is done: a ledger that is away is not asked by every request.
    refreshedAt = now
    const present = periodAt(now, settings)
    const found = await maker.find(present)
    const known = keys.get(present.number)
    if (found !== undefined) adopt(found)
    // A ledger that has lost the key gets it back, rather than every token its end.
    else if (known !== undefined) await maker.restore(known)
    else await ensure(present, false)
    const next = publishedAheadAt(now, settings)
    if (next !== undefined) await ensure(next, true)
    const retired = retiredAt(now, settings)
    if (retired !== undefined) await retire(retired)
  }

  async function retire(period: Period): Promise<void> {
    const key = keys.get(period.number) ?? (await maker.find(period))
    if (key === undefined) return
    adopt(key)
    if (reported.has(key.kid)) return
    reported.add(key.kid)
    if (await maker.mayReport(key.kid, period.publishedUntil))
      events.emit({ type: 'signing-key.retired', kid: key.kid, algorithm })
  }

  function forgetDead(now: number): void {
    for (const map of [keys, displaced] as Map<unknown, SigningKey>[])
      for (const [name, { period }] of map) if (now >= period.publishedUntil) map.delete(name)
  }

  /** As fresh as the ledger allows; from memory alone while it is away, where there is a key of now. */
  async function published(): Promise<SigningKey[]> {
    if (isStale() || refreshing !== undefined) {
      try {
        await refresh()
      } catch (error) {
        if (!keys.has(periodAt(clock(), settings).number)) throw error
      }
    }
    await current()
    forgetDead(clock())
    return [...keys.values(), ...displaced.values()].toSorted((a, b) => b.period.number - a.period.number)
  }

  function statusOf({ kid, period }: SigningKey): SigningKeyStatus {
    const present = periodAt(clock(), settings).number
    const isUsed = period.number === present && !displaced.has(kid)
    const state = isUsed ? 'signing' : period.number > present ? 'published' : 'retired'
    const { signsFrom, signsUntil, publishedUntil } = period
    return { kid, algorithm, state, signsFrom, signsUntil, publishedUntil }
  }

  return {
    issuer,
    algorithm,
    async sign(claims, typ) {
      const key = await current()
      const { SignJWT } = await import('jose')
      return new SignJWT({ ...claims }).setProtectedHeader({ alg: algorithm, kid: key.kid, typ }).sign(key.privateKey)
    },
    async jwks() {
      return { keys: (await published()).map(({ publicJwk }) => publicJwk) }
    },
    async status() {
      return (await published()).map(statusOf)
    },
    async publicKey(kid) {
      return (await published()).find((key) => key.kid === kid)?.publicJwk
    },
  }
}
