// The attacker has: the victim's name, or even the password, and one machine, or a hundred in a hundred networks.
// The attacker does: guesses without end, so that the victim is throttled in its place.
// The attacker must not obtain: an account that its owner cannot get into; nor more guesses than the throttle allows.
import { expect, it } from 'vitest'
import { seconds } from '../../src/core/duration.ts'
import { site, visitor } from '../stepup/site.ts'

async function ownerAndStrangers(networks: number) {
  const shop = site()
  const { code } = await shop.enrol()
  const owner = visitor(shop, '198.51.100.1')
  await owner.json('/login')
  await owner.type(code())
  await owner.visit('/logout')
  shop.clock.advance(seconds(30))
  let evaluated = 0
  for (let network = 0; network < networks; network++) {
    const mallory = visitor(shop, `203.0.${network}.7`)
    await mallory.json('/login')
    const results = await Promise.all(Array.from({ length: 20 }, () => mallory.type('000000')))
    evaluated += results.filter(({ reason }) => reason === 'wrong').length
  }
  return { ...shop, code, owner, evaluated }
}

it('a stranger uses up the tries of their own network alone: the owner gets in from anywhere else, on a new device, too', async () => {
  const shop = await ownerAndStrangers(1)
  const elsewhere = visitor(shop, '198.51.100.200')
  await elsewhere.json('/login')

  expect(shop.evaluated).toBe(5)
  expect(await elsewhere.type(shop.code())).toMatchObject({ ok: true })
})

it('many strangers use up the tries of all strangers: the owner gets in where they were signed in before', async () => {
  const { owner, code, evaluated } = await ownerAndStrangers(40)
  await owner.json('/login')

  expect(evaluated).toBe(20)
  expect(await owner.type(code())).toMatchObject({ ok: true })
})

it('a session that is open stays so, whatever strangers guess', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  const owner = visitor(shop, '198.51.100.1')
  await owner.json('/login')
  await owner.type(code())
  for (let i = 0; i < 10; i++) {
    const mallory = visitor(shop, `203.0.${i}.7`)
    await mallory.json('/login')
    for (let n = 0; n < 6; n++) await mallory.type('000000')
  }
  shop.clock.advance(seconds(30))

  expect(await owner.me()).toMatchObject({ subject: 'ada', acr: 'aal2' })
  expect(await owner.type(code())).toMatchObject({ ok: true })
})

it('a password is throttled by the same rules, before anybody is signed in', async () => {
  const shop = site()
  const { throttle } = shop.stepUp
  const owner = visitor(shop, '198.51.100.1')
  await owner.json('/login')
  const known = owner.jar.header('https://shop.example/')!
  const tries = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      throttle.attempt('password', 'ada', shop.sessions.anonymous({ clientAddress: `203.0.${i % 50}.7` })),
    ),
  )

  expect(tries.filter(({ isAllowed }) => isAllowed)).toHaveLength(20)
  expect(known).toContain('__Host-sjn-known=')
})
