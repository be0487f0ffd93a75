// The attacker has: a session of their own in several cookies, old and new ones of the victim's, and a way to plant cookies.
// The attacker does: mixes, swaps, drops, repeats and reorders the parts, and tosses parts beside the victim's.
// The attacker must not obtain: a session nobody sealed, the victim acting in another session, nor the victim signed out by noise.
import { describe, expect, it } from 'vitest'
import { noise } from '../stores/cookie/support.ts'
import { fill, headerOf, sealedSite, visitor, whoSends } from './sealed-cookie-support.ts'
import { COOKIE } from './support.ts'

async function people() {
  const shop = sealedSite()
  const [victim, attacker] = [visitor(shop), visitor(shop)]
  await victim.visit('/login?as=victim')
  await attacker.visit('/login?as=attacker')
  await fill(victim, noise(4000, 1))
  const old = victim.parts()
  await fill(victim, noise(4000, 2))
  await fill(attacker, noise(4000, 3))
  return { shop, victim, old, now: victim.parts(), theirs: attacker.parts() }
}

describe('parts put together anew', () => {
  it('nobody is whom no seal says, whatever is mixed', async () => {
    const { shop, now, old, theirs } = await people()
    const [first, second] = [
      [now[''], old[''], theirs['']],
      [now['.1'], old['.1'], theirs['.1']],
    ] as string[][]
    const seen = await Promise.all(first!.flatMap((a) => second!.map((b) => whoSends(shop, headerOf({ '': a, '.1': b })))))

    // Row by row: of the victim's, of their old and of the attacker's own first part only the one second part.
    expect(seen).toEqual(['victim', null, null, null, 'victim', null, null, null, 'attacker'])
  })

  it('dropped, swapped, repeated, counted otherwise or cut', async () => {
    const { shop, now } = await people()
    const [a, b] = [now['']!, now['.1']!]
    const headers = [
      { '': a },
      { '.1': b },
      { '': b, '.1': a },
      { '': `2~${b}`, '.1': a.slice(2) },
      { '': a, '.1': a.slice(2) },
      { '': a.replace('2~', '3~'), '.1': b, '.2': b },
      { '': a.replace('2~', ''), '.1': b },
      { '': a.slice(0, -1), '.1': b },
      { '': a, '.1': b.slice(1) },
      { '': a, '.1': `${b}A` },
    ]

    expect(new Set(await Promise.all(headers.map((parts) => whoSends(shop, headerOf(parts)))))).toEqual(new Set([null]))
  })

  it('the order the browser sends them in says nothing', async () => {
    const { shop, now } = await people()

    expect(await whoSends(shop, `other=1; ${COOKIE}.1=${now['.1']}; ${COOKIE}=${now['']}`)).toBe('victim')
  })
})

describe('parts tossed beside the victim’s', () => {
  it('noise signs nobody out', async () => {
    const { shop, now } = await people()
    const ours = headerOf(now)
    const tossed = [`${COOKIE}.1=x`, `${COOKIE}=2~x`, `${COOKIE}=x`, `${COOKIE}.2=x`, `${COOKIE}.1=`, `${COOKIE}=4~`]
    const seen = await Promise.all(
      tossed.flatMap((noisy) => [`${noisy}; ${ours}`, `${ours}; ${noisy}`].map((header) => whoSends(shop, header))),
    )

    expect(new Set(seen)).toEqual(new Set(['victim']))
  })

  it('the attacker’s whole session beside it makes the victim nobody, never the attacker', async () => {
    const { shop, now, theirs } = await people()

    expect([
      await whoSends(shop, `${headerOf(theirs)}; ${headerOf(now)}`),
      await whoSends(shop, `${headerOf(now)}; ${headerOf(theirs)}`),
    ]).toEqual([null, null])
  })

  it('the attacker’s second part alone changes nothing', async () => {
    const { shop, now, theirs } = await people()

    expect(await whoSends(shop, `${COOKIE}.1=${theirs['.1']}; ${headerOf(now)}`)).toBe('victim')
  })

  it('what was planted is removed from wherever it may sit, every part of it, and ours never', async () => {
    const shop = sealedSite({ http: { cookie: { name: '__Secure-sjn', domain: 'shop.example', shared: true } } })
    const victim = visitor(shop)
    await victim.visit('/login?as=victim')
    await fill(victim, noise(4000))
    const plant = '; Path=/me; Secure'
    victim.jar.store('https://shop.example/me', [`__Secure-sjn=2~x${plant}`, `__Secure-sjn.1=x${plant}`])
    const seen = new Set<string | null>()
    for (let i = 0; i < 12; i++) seen.add((await victim.me()).subject)
    const left = victim.jar.cookies('https://shop.example/me').map(({ name, path }) => `${name} ${path}`)

    expect([seen, left.sort()]).toEqual([new Set(['victim']), ['__Secure-sjn /', '__Secure-sjn.1 /']])
  })

  it('a header full of parts costs no more than a header full of anything', async () => {
    const { shop, now } = await people()
    const full = [1, 2, 3].flatMap((i) => Array.from({ length: 300 }, (_, j) => `${COOKIE}.${i}=${j}`))
    const firsts = Array.from({ length: 300 }, (_, i) => `${COOKIE}=4~${i}`)
    const started = process.cpuUsage()
    const seen = await whoSends(shop, [...firsts, ...full, headerOf(now)].join('; '))
    const { user } = process.cpuUsage(started)

    expect([seen, user < 100_000]).toEqual([null, true])
  })
})

it('a session that shrinks leaves no part behind, and signing out removes every one', async () => {
  const shop = sealedSite()
  const ada = visitor(shop)
  await ada.visit('/login')
  const counts: number[] = []
  for (const length of [6500, 4500, 10]) {
    const status = await fill(ada, noise(length))
    counts.push(status === 200 ? Object.keys(ada.parts()).length : status)
  }
  await fill(ada, noise(4500))
  await ada.visit('/logout')

  expect([counts, ada.parts()]).toEqual([[2, 2, 1], {}])
})
