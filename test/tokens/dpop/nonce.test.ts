import { expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { NONCE_SPAN, serverNonces } from '../../../src/tokens/dpop/nonce.ts'
import { KEY, OLDER_KEY } from '../../core/support.ts'
import { judge, tokenServer } from './support.ts'

const [newer, older] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const START = 1_800_000_000_000 - (1_800_000_000_000 % NONCE_SPAN)
const SKEW = seconds(5)

it('a nonce is given out for one span, counts in the next, and in none after', () => {
  const nonces = serverNonces([newer], SKEW)
  const nonce = nonces.current(START)

  expect(nonces.current(START + NONCE_SPAN - 1)).toBe(nonce)
  expect(nonces.current(START + NONCE_SPAN)).not.toBe(nonce)
  expect(nonces.deadlineOf(nonce, START)).toBe(START + 2 * NONCE_SPAN)
  expect(nonces.deadlineOf(nonce, START + 2 * NONCE_SPAN - 1)).toBe(START + 2 * NONCE_SPAN)
  expect(nonces.deadlineOf(nonce, START + 2 * NONCE_SPAN)).toBeUndefined()
})

it('a nonce of tomorrow counts for nothing today, but for the seconds that clocks of two processes differ', () => {
  const nonces = serverNonces([newer], SKEW)
  const next = nonces.current(START + NONCE_SPAN)

  expect(nonces.deadlineOf(next, START + NONCE_SPAN - SKEW - 1)).toBeUndefined()
  expect(nonces.deadlineOf(next, START + NONCE_SPAN - SKEW)).toBeDefined()
})

it('every process with the keys knows it, one with a newer key in front as well; one without does not', () => {
  const nonce = serverNonces([older], SKEW).current(START)

  expect(serverNonces([newer, older], SKEW).deadlineOf(nonce, START)).toBeDefined()
  expect(serverNonces([newer], SKEW).deadlineOf(nonce, START)).toBeUndefined()
})

it.each(['', 'x', 'A'.repeat(22), 'A'.repeat(23), 'é'.repeat(22), '😀'.repeat(11)])('%j is none', (nonce) => {
  expect(serverNonces([newer], SKEW).deadlineOf(nonce, START)).toBeUndefined()
})

it('required: a proof without one is told one, and is good with it', async () => {
  const { app, now, check } = tokenServer('required')
  const first = await check(app.proof({ now: now() }))
  const { nonce } = first as { nonce: string }

  expect(first).toEqual({ ok: false, error: 'use_dpop_nonce', reason: 'nonce-missing', nonce: expect.any(String) })
  expect(await check(app.proof({ now: now(), nonce }))).toEqual({ ok: true, jkt: app.jkt })
})

it('offered: a proof without one is good, one with another is not', async () => {
  const { app, now, check } = tokenServer('offered')

  expect((await check(app.proof({ now: now() }))).ok).toBe(true)
  expect(await check(app.proof({ now: now(), nonce: 'made-up' }))).toMatchObject({
    error: 'use_dpop_nonce',
    reason: 'nonce-unknown',
  })
})

it('an app whose clock is an hour off is told a nonce, and is good with it', async () => {
  const { app, now, check } = tokenServer('offered')
  for (const offset of [minutes(60), -minutes(60)]) {
    const first = await check(app.proof({ now: now() + offset }))
    const { nonce } = first as { nonce: string }

    expect(first).toMatchObject({ error: 'use_dpop_nonce' })
    expect(await check(app.proof({ now: now() + offset, nonce }))).toMatchObject({ ok: true })
  }
})

it('a proof with a nonce is good once, until the nonce is over', async () => {
  const { app, now, verdict, proofs, clock } = tokenServer('required')
  const nonce = proofs.nonce()
  const proof = app.proof({ now: now(), nonce })
  await verdict(proof)
  const verdicts = new Set<string>()
  for (let passed = 0; passed <= 2 * NONCE_SPAN; passed += seconds(20)) {
    verdicts.add(await verdict(proof))
    clock.advance(seconds(20))
  }

  expect([...verdicts]).toEqual(['replayed', 'nonce-unknown'])
})

it('without nonces, as at a service that has none, what a proof says of one is ignored', async () => {
  const { app, now } = tokenServer()

  expect(await judge({ proof: app.proof({ now: now(), nonce: 'of the other server' }), now: now() })).toMatchObject({ ok: true })
})

it('a key that has left the ring takes its nonces along', async () => {
  const before = tokenServer('required', { keys: OLDER_KEY })
  const nonce = before.proofs.nonce()
  const during = tokenServer('required', { keys: [KEY, OLDER_KEY], clock: before.clock })
  const after = tokenServer('required', { keys: KEY, clock: before.clock })

  expect(await during.verdict(during.app.proof({ now: during.now(), nonce }))).toBe('good')
  expect(await after.verdict(after.app.proof({ now: after.now(), nonce }))).toBe('nonce-unknown')
})
