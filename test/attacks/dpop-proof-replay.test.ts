// The attacker has: a victim's access token and a proof that went with it, from a log, a proxy, or a service that is theirs.
// The attacker does: sends the proof again, at once and later, to every process, in parallel, respelt, and in front of the victim's own request.
// The attacker must not obtain: one request more than the victim made; nor may they use up a proof that is not theirs.
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { createSessions } from '../../src/core/sessions.ts'
import { memoryReplay } from '../../src/tokens/dpop/replay.ts'
import { KEY } from '../core/support.ts'
import { App, TOKEN_URL } from '../tokens/dpop/app.ts'
import { proofsOver } from '../tokens/dpop/proofs-over.ts'
import { judge, tokenServer } from '../tokens/dpop/support.ts'

const accessToken = 'header.payload.signature'

it.each([0, 1, 30, 59, 60, 61, 65, 66, 120, 3600, 86_400])('after %i seconds it is worth nothing', async (passed) => {
  const { app, now, verdict, clock } = tokenServer()
  const replay = memoryReplay()
  const proof = app.proof({ now: now(), accessToken })
  expect(await verdict(proof)).toBe('good')
  expect((await judge({ proof, now: now(), accessToken, jkt: app.jkt }, { replay })).ok).toBe(true)

  clock.advance(seconds(passed))

  expect(await verdict(proof)).not.toBe('good')
  expect((await judge({ proof, now: now(), accessToken, jkt: app.jkt }, { replay })).ok).toBe(false)
})

it('a second process on the same ledger knows that it was used', async () => {
  const { app, now, verdict, store, clock } = tokenServer()
  const proof = app.proof({ now: now() })
  expect(await verdict(proof)).toBe('good')

  const second = proofsOver(createSessions({ keys: KEY, store, clock }), 'offered')

  expect(await second.check({ proof, method: 'POST', url: TOKEN_URL })).toMatchObject({ ok: false, reason: 'replayed' })
})

it('respelt, it is the same proof or none: blanks, padding, other bits behind the signature', async () => {
  const { app, now, verdict } = tokenServer()
  const proof = app.proof({ now: now() })
  await verdict(proof)
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = letters.indexOf(proof.at(-1)!)
  const sameBytes = [1, 2, 3].map((bits) => proof.slice(0, -1) + letters[last ^ bits])

  for (const spelling of [` ${proof} `, `\t${proof}`, `${proof}=`, `${proof}==`, `${proof}.`, ...sameBytes])
    expect(await verdict(spelling)).not.toBe('good')
})

it('sent to other URLs of the server before, it is still the victim’s to use', async () => {
  const { app, now, verdict } = tokenServer()
  const proof = app.proof({ now: now() })
  for (const url of [`${TOKEN_URL}/x`, 'https://shop.example/oauth/revoke', 'https://evil.example/oauth/token'])
    expect(await verdict(proof, { url })).toBe('other-url')

  expect(await verdict(proof)).toBe('good')
})

it('the id of the victim’s next proof, were it known, is not used up by a key of the attacker’s', async () => {
  const { app, now, verdict } = tokenServer()
  const jti = 'the-next-one-1234'
  expect(await verdict(new App().proof({ now: now() }, { payload: { jti } }))).toBe('good')

  expect(await verdict(app.proof({ now: now() }, { payload: { jti } }))).toBe('good')
})

it('made in advance while the key was at hand, it is worth nothing where nonces are required', async () => {
  const { app, now, verdict, clock, proofs } = tokenServer('required')
  const nonce = proofs.nonce()
  const inAdvance = Array.from({ length: 24 }, (_, i) => app.proof({ now: now() + minutes(15 * (i + 1)), nonce }))
  const verdicts: string[] = []
  for (const proof of inAdvance) {
    clock.advance(minutes(15))
    verdicts.push(await verdict(proof))
  }

  expect(new Set(verdicts)).toEqual(new Set(['nonce-unknown']))
})

it('filling the memory of a service lets no used proof in again', async () => {
  const { app, now } = tokenServer()
  const replay = memoryReplay(50)
  const stolen = app.proof({ now: now(), accessToken })
  await judge({ proof: stolen, now: now(), accessToken, jkt: app.jkt }, { replay })
  const own = new App()
  for (let i = 0; i < 60; i++) await judge({ proof: own.proof({ now: now() }), now: now() }, { replay }).catch(() => undefined)

  expect(replay.size).toBe(50)
  expect((await judge({ proof: stolen, now: now(), accessToken, jkt: app.jkt }, { replay })).ok).toBe(false)
})
