// The attacker has: links of their own account, used links, the ledger's content, a mail scanner that opens every link, and a page of their own.
// The attacker does: makes links up, changes them, uses them again and as other tokens, writes into the ledger, opens them for the person.
// The attacker must not obtain: the end of anybody else's session, nor a way in; and a link that is only opened ends nothing.
import { newSignInNotice } from 'sojourn/monitor/alerts'
import { faultyStore } from 'sojourn/testing'
import { withSession } from 'sojourn/web'
import { expect, it, onTestFinished } from 'vitest'
import { memoryStore } from '../../src/stores/memory.ts'
import { FOREIGN_KEY, KEY, setUp, tokenOf } from '../core/support.ts'

const ORIGIN = 'https://shop.example'

function shop(keys = KEY, store = faultyStore(memoryStore())) {
  const service = setUp({ keys, store })
  const mails: { subject: string; token: string }[] = []
  const notice = newSignInNotice(service.sessions, { tell: (signIn) => mails.push(signIn) })
  onTestFinished(() => notice.close({ timeout: 0 }))
  /** As the guide says: a GET shows, a POST ends. */
  const answer = withSession(service.sessions, async (request) => {
    const token = new URL(request.url).searchParams.get('token')
    if (request.method === 'POST')
      return Response.json(await notice.confirm(new URLSearchParams(await request.text()).get('token')))
    return Response.json(await notice.describe(token))
  })
  const page = (path: string, init?: RequestInit) => answer(new Request(new URL(path, ORIGIN), init))
  const open = async (token: string) => (await page(`/not-me?token=${encodeURIComponent(token)}`)).json()
  const form = (token: string) => ({ method: 'POST', body: new URLSearchParams({ token }), headers: { origin: ORIGIN } })
  const disown = async (token: string) => (await page('/not-me', form(token))).json()
  const signIn = async (subject: string) => {
    const session = await service.sessions.signIn({ subject, method: 'pwd' })
    await notice.drained()
    return { session, link: mails.at(-1)!.token }
  }
  const alive = async (subject: string) => (await service.sessions.list(subject)).length
  return { ...service, notice, page, open, disown, signIn, alive, mails }
}

const UNKNOWN = { ok: false, reason: 'unknown' }

it('a mail scanner that opens the link a hundred times changes nothing, and the person can still use it', async () => {
  const { open, disown, signIn, alive, page } = shop()
  const { link } = await signIn('ada')

  for (let i = 0; i < 100; i++) await open(link)
  await page(`/not-me?token=${link}`, { method: 'HEAD' })
  const spared = await alive('ada')

  expect([spared, await disown(link)]).toMatchObject([1, { ok: true, count: 1 }])
})

it('a page of the attacker’s cannot make the person’s browser post it', async () => {
  const { page, signIn, alive } = shop()
  const { link } = await signIn('ada')

  const forged = await page('/not-me', {
    method: 'POST',
    body: new URLSearchParams({ token: link }),
    headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  })

  expect([forged.status, await alive('ada')]).toEqual([403, 1])
})

it('a used link ends nothing that came after', async () => {
  const { disown, signIn, alive } = shop()
  const { link } = await signIn('ada')
  await disown(link)
  await signIn('ada')

  expect([await disown(link), await alive('ada')]).toEqual([{ ok: false, reason: 'used' }, 1])
})

it('the attacker’s own link ends the attacker’s own session', async () => {
  const { disown, signIn, alive } = shop()
  await signIn('ada')
  const { link } = await signIn('mallory')

  await disown(link)

  expect([await alive('ada'), await alive('mallory')]).toEqual([1, 0])
})

it('every change of one character, and whatever else comes, is refused without asking the store', async () => {
  const { disown, signIn, alive, store } = shop()
  const { link } = await signIn('ada')
  const changed = [...link].map((char, i) => `${link.slice(0, i)}${char === 'A' ? 'B' : 'A'}${link.slice(i + 1)}`)
  const foreign = (await shop(FOREIGN_KEY).signIn('ada')).link
  const garbage = [
    '',
    'x',
    `${link} `,
    `${link}A`,
    link.slice(0, -1),
    '\u0000',
    '😀'.repeat(1000),
    'A'.repeat(100_000),
    '__proto__',
  ]
  const before = store.calls.length

  const outcomes = []
  for (const token of [...changed, foreign, ...garbage]) outcomes.push(await disown(token))

  expect(outcomes.filter((outcome) => JSON.stringify(outcome) !== JSON.stringify(UNKNOWN))).toEqual([])
  expect([store.calls.length - before, await alive('ada')]).toEqual([0, 1])
})

it.each([undefined, null, 7, {}, ['x'], { toString: () => 'x' }, Symbol('x')])('%s is no token', async (token) => {
  const { notice } = shop()

  expect([await notice.describe(token), await notice.confirm(token)]).toEqual([{ state: 'unknown' }, UNKNOWN])
})

it('a link is no session, and a session’s token no link', async () => {
  const { sessions, disown, signIn, alive } = shop()
  const { session, link } = await signIn('ada')
  const token = await tokenOf(session)

  expect((await sessions.read(link)).state).toBe('malformed')
  expect((await sessions.read(`sjn1_${link.slice(5)}`)).subject).toBeUndefined()
  expect([await disown(token), await disown(`sjw1_${token.slice(5)}`), await alive('ada')]).toEqual([UNKNOWN, UNKNOWN, 1])
})

it('what is in the ledger names nobody, gives no link, and cannot be moved or made up', async () => {
  const store = faultyStore(memoryStore())
  const kept = new Map<string, Uint8Array>()
  const { ledger } = store
  const spying = {
    ...ledger,
    put: (key: string, value: Uint8Array, given: never) => {
      kept.set(key, value)
      return ledger.put(key, value, given)
    },
  }
  const { disown, signIn, alive, clock } = shop(KEY, Object.assign(store, { ledger: spying }))
  const ada = await signIn('ada-lovelace')
  const mallory = await signIn('mallory')
  const [[adasKey, adas], [mallorysKey]] = [...kept] as [[string, Uint8Array], [string, Uint8Array]]
  const text = [...kept].map(([key, value]) => key + Buffer.from(value).toString('latin1')).join('\n')

  await ledger.put(mallorysKey, adas, { now: clock(), deadline: clock() + 1_000_000 })
  const moved = await disown(mallory.link)
  await ledger.put(adasKey, Buffer.from(JSON.stringify({ state: 'open', subject: 'ada-lovelace' })), {
    now: clock(),
    deadline: clock() + 1_000_000,
  })

  expect(text).not.toMatch(/lovelace|mallory/)
  expect([ada.link, ada.session.id!].filter((needle) => text.includes(needle.slice(5, 20)))).toEqual([])
  expect([moved, await disown(ada.link), await alive('ada-lovelace')]).toEqual([UNKNOWN, UNKNOWN, 1])
})

it('who signs in twice from one device is not spared by the second', async () => {
  const { sessions, notice, mails, disown, alive, clock } = shop()
  const stolen = () => sessions.signIn({ subject: 'ada', method: 'pwd' }, { device: 'Chrome on Windows' })
  await stolen()
  await notice.drained()
  clock.advance(1)
  await stolen()
  await notice.drained()

  await disown(mails[0]!.token)

  expect([mails.length, await alive('ada')]).toEqual([1, 0])
})

it('the link is in the mail and in nothing else', async () => {
  const { signIn, disown, open, seen } = shop()
  const { link } = await signIn('ada')
  const answers = [await open(link), await disown(link), await disown(link)]

  expect(JSON.stringify([answers, await seen()])).not.toContain(link.slice(5, 30))
})
