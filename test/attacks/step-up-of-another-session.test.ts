// The attacker has: a session of its own at the victim's account or at another, and sees the ids, and the codes typed, of the victim's step-up.
// The attacker does: answers in one session what was asked in another: grants the other's approval, confirms the other's enrolment, types a code again.
// The attacker must not obtain: assurance, a factor or an approval in its own session by what another session proved.
import { expect, it } from 'vitest'
import { tokenOf } from '../core/support.ts'
import { appOf } from '../stepup/codes-support.ts'
import { site, visitor } from '../stepup/site.ts'

const PAY = { operation: 'pay', parameters: { to: 'X', cents: 4000 } }
const ASKED = { ...PAY, words: 'Pay 40 € to X' }

/** Two sessions with both factors, of these subjects. */
async function two(first = 'ada', second = 'ada') {
  const shop = site()
  const open = async (subject: string) =>
    shop.sessions.read(await tokenOf(await shop.sessions.signIn({ subject, method: ['pwd', 'otp'] })))
  const [own, other] = [await open(first), await open(second)]
  shop.clock.advance(1)
  return { ...shop.stepUp, ...shop, own, other }
}

it.each([
  ['the same subject', 'ada'],
  ['another subject', 'mallory'],
])('what one session asked for, another of %s neither reads, grants nor spends', async (_whose, second) => {
  const { approvals, own, other, clock } = await two('ada', second)
  const id = await approvals.request(own, ASKED)
  clock.advance(1)
  await other.elevate({ method: 'otp' })

  expect([await approvals.describe(other, id), await approvals.grant(other, id), await approvals.spend(other, PAY)]).toEqual([
    undefined,
    false,
    false,
  ])
  await own.elevate({ method: 'otp' })
  await approvals.grant(own, id)
  expect([await approvals.spend(other, PAY), await approvals.spend(own, PAY)]).toEqual([false, true])
})

it('an enrolment begun in one session is not ended in another', async () => {
  const { totp, own, other, clock, factors } = await two('ada', 'mallory')
  const { uri } = await totp.begin(own, { account: 'ada' })
  const code = appOf(uri)(clock())

  expect(await totp.confirm(other, code)).toMatchObject({ ok: false, reason: 'expired' })
  expect(await factors.list('mallory')).toEqual([])
})

it('a code seen over the shoulder raises no other session, even at once', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  const [ada, mallory] = [visitor(shop), visitor(shop)]
  await ada.json('/login')
  await mallory.json('/login')
  const seen = code()

  const results = await Promise.all([ada.type(seen), mallory.type(seen)])

  expect(results.filter(({ ok }) => ok === true)).toHaveLength(1)
  expect([await ada.me(), await mallory.me()].filter(({ subject }) => subject === 'ada')).toHaveLength(1)
})

it('a code of another’s app raises nobody', async () => {
  const shop = site()
  await shop.enrol('ada')
  const { code } = await shop.enrol('mallory')
  const mallory = visitor(shop)
  await mallory.json('/login?as=ada')

  expect(await mallory.type(code())).toEqual({ ok: false, reason: 'wrong' })
})
