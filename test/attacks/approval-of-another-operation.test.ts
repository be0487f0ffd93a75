// The attacker has: the victim's open session by a script in a page, say, while the victim approves a payment.
// The attacker does: spends what was approved on another deed, another receiver, another amount, twice; writes the same parameters another way.
// The attacker must not obtain: anything but the one payment that the victim read.
import { expect, it } from 'vitest'
import { tokenOf } from '../core/support.ts'
import { site } from '../stepup/site.ts'

const PAY = { operation: 'pay', parameters: { to: 'X', cents: 4000 } }

async function approved() {
  const shop = site()
  const session = await shop.sessions.read(await tokenOf(await shop.sessions.signIn({ subject: 'ada', method: 'pwd' })))
  const { approvals } = shop.stepUp
  const id = await approvals.request(session, { ...PAY, words: 'Pay 40 € to X' })
  shop.clock.advance(1)
  await session.elevate({ method: 'otp' })
  await approvals.grant(session, id)
  return { approvals, session, id, clock: shop.clock }
}

it.each([
  ['another deed', { ...PAY, operation: 'pay.all' }],
  ['another amount', { ...PAY, parameters: { to: 'X', cents: 4001 } }],
  ['another receiver', { ...PAY, parameters: { to: 'Mallory', cents: 4000 } }],
  ['an amount that is a text', { ...PAY, parameters: { to: 'X', cents: '4000' } }],
  ['a parameter more', { ...PAY, parameters: { to: 'X', cents: 4000, note: '' } }],
  ['a parameter less', { ...PAY, parameters: { cents: 4000 } }],
  ['a list of two', { ...PAY, parameters: [PAY.parameters, PAY.parameters] }],
  ['the text of the parameters', { ...PAY, parameters: '{"cents":4000,"to":"X"}' }],
  ['another letter that looks alike', { ...PAY, parameters: { to: 'Х', cents: 4000 } }],
])('it is not spent on %s, and is there for what was read', async (_what, other) => {
  const { approvals, session } = await approved()

  expect([await approvals.spend(session, other), await approvals.spend(session, PAY)]).toEqual([false, true])
})

it('it pays once', async () => {
  const { approvals, session, id } = await approved()
  await approvals.spend(session, PAY)

  expect([await approvals.grant(session, id), await approvals.spend(session, PAY)]).toEqual([false, false])
})

it('the step-up behind it grants nothing else that is asked for in its shadow', async () => {
  const { approvals, session, clock } = await approved()
  const id = await approvals.request(session, { operation: 'pay', parameters: { to: 'Mallory', cents: 1 }, words: 'Pay' })
  clock.advance(1)

  expect(await approvals.grant(session, id)).toBe(false)
})
