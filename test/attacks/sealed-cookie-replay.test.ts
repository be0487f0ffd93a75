// The attacker has: copies of the victim's sealed cookies, taken at any time, and requests held open.
// The attacker does: sends them again after sign-out, "sign out everywhere", step-up or renewal, and tries to come back by a held request.
// The attacker must not obtain: a session that was ended, more authority than the copy had, or more time than it had.
import { describe, expect, it } from 'vitest'
import { days, hours, minutes } from '../../src/index.ts'
import { codeOf } from '../core/support.ts'
import { sealedSite, sealedSiteWithoutLedger, visitor, whoSends } from './sealed-cookie-support.ts'

async function robbed(shop = sealedSite()) {
  const ada = visitor(shop)
  await ada.visit('/login')
  const first = ada.header()
  await ada.visit('/basket?item=tea')
  return { shop, ada, first, second: ada.header() }
}

describe('with a ledger', () => {
  it('after sign-out every copy is over, those the thief kept alive meanwhile too', async () => {
    const { shop, ada, first, second } = await robbed()
    const thief = visitor(shop)
    thief.jar.store('https://shop.example', `${first}; Path=/; Secure; HttpOnly`)
    shop.clock.advance(minutes(20))
    await thief.visit('/basket?item=loot')
    const forked = thief.header()
    await ada.visit('/logout')

    expect([forked === first, await Promise.all([first, second, forked].map((copy) => whoSends(shop, copy)))]).toEqual([
      false,
      [null, null, null],
    ])
  })

  it('for as long as they could have lasted', async () => {
    const { shop, ada, second } = await robbed(sealedSite({ policy: { idleTimeout: hours(12) } }))
    await ada.visit('/logout')
    const seen = new Set<string | null>()
    for (let hour = 0; hour < 14; hour++) {
      seen.add(await whoSends(shop, second))
      shop.clock.advance(hours(1))
      await shop.sessions.purge()
    }

    expect(seen).toEqual(new Set([null]))
  })

  it('a request of the thief’s that was held open does not come back by ending all others', async () => {
    const shop = sealedSite()
    const [ada, thief] = [visitor(shop), visitor(shop)]
    await ada.visit('/login')
    await thief.visit('/login')
    const held = await shop.sessions.read(thief.token())
    await shop.sessions.revokeOthers(await shop.sessions.read(ada.token()))
    await held.revokeOthers().catch(() => {})

    expect(await whoSends(shop, thief.header())).toBeNull()
  })

  it('hammering "end all others" does not outlast one "end all"', async () => {
    const shop = sealedSite()
    const thief = visitor(shop)
    await thief.visit('/login')
    const sessions = await Promise.all(Array.from({ length: 40 }, () => shop.sessions.read(thief.token())))
    const hammering = sessions.map((session) => session.revokeOthers().catch(() => {}))
    await shop.sessions.revokeSubject('ada')
    await Promise.all(hammering)
    await Promise.all(sessions.map((session) => session.revokeOthers().catch(() => {})))

    expect(await whoSends(shop, thief.header())).toBeNull()
  })

  it('a token planted before sign-in is dead after it', async () => {
    const shop = sealedSite()
    const attacker = visitor(shop)
    await attacker.visit('/basket?item=planted')
    const planted = attacker.header()
    const victim = visitor(shop)
    victim.jar.store('https://shop.example', `${planted}; Path=/; Secure; HttpOnly`)
    await victim.visit('/login?as=victim')

    expect([await whoSends(shop, planted), (await victim.me()).subject]).toEqual([null, 'victim'])
  })
})

describe('the copy itself', () => {
  it('of before a step-up never has the authority of after it', async () => {
    const { shop, ada, second } = await robbed()
    await ada.visit('/step-up')
    const me = (await (await shop.answer('/me', { headers: { cookie: second } })).json()) as { acr: string }

    expect([me.acr, (await ada.me()).acr]).toEqual(['aal1', 'aal2'])
  })

  it('stepped up by the thief, it is theirs, and ends with the session all the same', async () => {
    const { shop, ada, first } = await robbed()
    const thief = visitor(shop)
    thief.jar.store('https://shop.example', `${first}; Path=/; Secure; HttpOnly`)
    await thief.visit('/step-up')
    await ada.visit('/logout')

    expect(await whoSends(shop, thief.header())).toBeNull()
  })

  it('is over at its own deadlines, whatever was sealed since', async () => {
    const { shop, ada, second } = await robbed()
    for (let i = 0; i < 3; i++) {
      shop.clock.advance(minutes(15))
      await ada.visit('/me')
    }

    expect([await whoSends(shop, second), (await ada.me()).subject]).toEqual([null, 'ada'])
  })

  it('kept alive by the thief, it is over at the absolute deadline', async () => {
    const { shop, first } = await robbed()
    const thief = visitor(shop)
    thief.jar.store('https://shop.example', `${first}; Path=/; Secure; HttpOnly`)
    for (let i = 0; i < 12 * 3; i++) {
      shop.clock.advance(minutes(20))
      await thief.visit('/me')
    }

    expect((await thief.me()).subject).toBeNull()
  })

  it('a `Max-Age` the browser was told to ignore changes nothing on the server', async () => {
    const shop = sealedSite()
    const ada = visitor(shop)
    await ada.visit('/login?remember')
    const copy = ada.header()
    shop.clock.advance(days(1))

    expect([ada.header(), await whoSends(shop, copy)]).toEqual(['', null])
  })
})

describe('without a ledger', () => {
  it('nothing pretends to have ended what it could not', async () => {
    const { shop, second } = await robbed(sealedSiteWithoutLedger())
    const session = await shop.sessions.read(second.split('=')[1])
    const codes = await Promise.all([
      codeOf(shop.sessions.revoke(session.id!)),
      codeOf(shop.sessions.revokeSubject('ada')),
      codeOf(session.revokeOthers()),
    ])

    expect([new Set(codes), await whoSends(shop, second)]).toEqual([new Set(['ERR_STORE_UNSUPPORTED']), 'ada'])
  })

  it('signing out clears the cookie of the browser that asked', async () => {
    const { ada } = await robbed(sealedSiteWithoutLedger())
    await ada.visit('/logout')

    expect([ada.parts(), (await ada.me()).subject]).toEqual([{}, null])
  })
})
