// OWASP ASVS 5.0.0, V7.2.4, V7.4.3 and V7.5 with step-up: new tokens, offers after a change of factors, re-authentication, one operation at a time.
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { codeOf, tokenOf } from '../../core/support.ts'
import { site, visitor } from '../../stepup/site.ts'

it('ASVS-7.2.4: each factor of a sign-in, and each proof after it, gives a new token and ends the one before', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  const ada = visitor(shop)
  await ada.visit('/note')
  const tokens = [ada.token()]
  await ada.json('/login')
  tokens.push(ada.token())
  for (let i = 0; i < 2; i++) {
    await ada.type(code())
    tokens.push(ada.token())
    shop.clock.advance(seconds(31))
    await ada.me()
    shop.clock.advance(seconds(31))
  }
  const [planted, half] = await Promise.all(tokens.map(async (token) => (await shop.sessions.read(token)).state))

  expect(new Set(tokens).size).toBe(4)
  expect([planted, half]).toEqual(['revoked', 'reused'])
})

it('ASVS-7.4.3: every change of factors offers to end all other sessions, or ends them by policy, and exactly this one stays', async () => {
  const states = async (onFactorChange: 'offer' | 'end') => {
    const shop = site({ stepUp: { onFactorChange } })
    const { factorId } = await shop.enrol()
    const own = await shop.sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] })
    const other = await tokenOf(await shop.sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] }))
    const change = await shop.stepUp.remove(own, factorId)
    if (change?.others) await own.revokeOthers()
    return [change?.others, (await shop.sessions.read(other)).state, (await shop.sessions.read(await tokenOf(own))).state]
  }

  expect([await states('offer'), await states('end')]).toEqual([
    [true, 'revoked', 'active'],
    [false, 'revoked', 'active'],
  ])
})

it('ASVS-7.5.1: factors change after a full authentication of the last ten minutes only: adding, replacing and removing', async () => {
  const shop = site()
  const { factorId } = await shop.enrol()
  const { totp, recovery, remove } = shop.stepUp
  const refusals = async (age: number, proofs: string[]) => {
    const session = await shop.sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] })
    shop.clock.advance(age)
    if (proofs.length > 0) await session.elevate({ method: proofs })
    return Promise.all(
      [totp.begin(session, { account: 'ada' }), recovery.generate(session), remove(session, factorId)].map(codeOf),
    )
  }

  expect(await refusals(minutes(10) + 1, [])).toEqual(Array(3).fill('ERR_ASSURANCE_INSUFFICIENT'))
  expect(await refusals(minutes(10) + 1, ['pwd'])).toEqual(Array(3).fill('ERR_ASSURANCE_INSUFFICIENT'))
  expect(await refusals(minutes(10) + 1, ['otp'])).toEqual(Array(3).fill('ERR_ASSURANCE_INSUFFICIENT'))
})

it('ASVS-7.5.2: a page that ends sessions can ask for a fresh factor first, and gets it or nothing', async () => {
  const { sessions, clock } = site()
  const other = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  clock.advance(minutes(5) + 1)
  const end = async () => {
    session.requireAssurance({ maxAge: minutes(5) })
    return session.revoke(other.id!)
  }

  expect(await codeOf(end())).toBe('ERR_ASSURANCE_INSUFFICIENT')
  await session.elevate({ method: 'pwd' })
  expect(await end()).toBe(true)
})

it('ASVS-7.5.3: a proof for one operation is spent on that one, once, soon, and in that session', async () => {
  const { sessions, stepUp, clock } = site()
  const { approvals } = stepUp
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const other = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const payment = { operation: 'pay', parameters: { to: 'X', cents: 4000 } }
  const approve = async () => {
    const id = await approvals.request(session, { ...payment, words: 'Pay 40 € to X' })
    clock.advance(seconds(1))
    const early = await approvals.grant(session, id)
    await session.elevate({ method: 'otp' })
    return [early, await approvals.grant(session, id)]
  }
  const asked = await approve()
  const elsewhere = await approvals.spend(other, payment)
  const dearer = await approvals.spend(session, { ...payment, parameters: { to: 'X', cents: 4001 } })
  const [first, second] = [await approvals.spend(session, payment), await approvals.spend(session, payment)]
  await approve()
  clock.advance(minutes(2) + 1)

  expect([asked, elsewhere, dearer, first, second]).toEqual([[false, true], false, false, true, false])
  expect(await approvals.spend(session, payment)).toBe(false)
})

it('ASVS-16.3.2: what is refused for want of assurance is an event', async () => {
  const shop = site()
  const ada = visitor(shop)
  await ada.json('/login')
  await ada.visit('/checkout')

  expect(await shop.seen('assurance.refused')).toMatchObject([{ subject: 'ada', acr: 'aal2', maxAge: minutes(5) }])
})
