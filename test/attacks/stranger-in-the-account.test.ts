// Has: the person's password, and a browser like theirs, in another country.
// Does: signs in, uses the session, tries again and again so that the model gets used to them.
// Must not get: a session that counts as proved, or a profile in which they are at home.
import { expect, it } from 'vitest'
import { days, hours } from '../../src/core/duration.ts'
import { detecting, FAR, FIREFOX, HOME } from '../monitor/anomalies/harness.ts'

it('a stranger who has the password does not become the person by insisting', async () => {
  const service = detecting()
  for (let day = 0; day < 30; day++) {
    await service.signIn({ agent: FIREFOX, address: HOME })
    service.clock.advance(days(1))
  }
  await service.signIn({ agent: FIREFOX, address: HOME })
  service.clock.advance(hours(1))
  const attempt = { subject: 'ada', address: FAR, userAgent: FIREFOX }
  const first = await service.anomalies.assess(attempt)

  const reached: boolean[] = []
  for (let i = 0; i < 10; i++) {
    const thief = { agent: FIREFOX, address: FAR }
    // The login route of this application does not ask; the guard judges by itself.
    service.clock.advance(hours(1))
    const token = await service.signIn(thief)
    const { session } = await service.visit(token, thief)
    reached.push(session.meets())
  }
  const last = await service.anomalies.assess(attempt)

  expect(reached.some(Boolean)).toBe(false)
  expect(last.score).toBeGreaterThanOrEqual(first.score! * 0.9)
})
