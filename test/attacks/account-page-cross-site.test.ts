// The attacker has: a page on another site, a victim who is signed in and has just proved who they are, and all of the victim's session ids.
// The attacker does: has the victim's browser post the forms of the account page, with every set of headers that browsers, old ones and proxies leave.
// The attacker must not get: any session ended, the account marked for a new password, or the page in a frame of theirs, to have its buttons clicked.
import { describe, expect, it, vi } from 'vitest'
import { AGENTS, accountSite, END, fieldsOf, HOME, NOT_ME, person } from '../console/account-support.ts'

const FORGED: Record<string, string>[] = [
  { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  { 'sec-fetch-site': 'same-site', origin: 'https://blog.shop.example' },
  { 'sec-fetch-site': 'cross-site', origin: 'null' },
  { 'sec-fetch-site': '', origin: 'https://evil.example' },
  { 'sec-fetch-site': '', origin: 'null' },
  { 'sec-fetch-site': '', origin: 'http://shop.example' },
  { 'sec-fetch-site': '', referer: 'https://evil.example/account/devices' },
]

describe.each([false, true])('where the application’s own protection is off: %s', (dangerouslyDisableCsrf) => {
  it.each(FORGED)('a form with %o changes nothing, even with a token that leaked', async (headers) => {
    const onNotMe = vi.fn()
    const site = accountSite({}, { onNotMe }, { dangerouslyDisableCsrf })
    const [victim, other] = [person(site), person(site, AGENTS.phone)]
    await victim.signIn()
    const otherId = await other.signIn()
    const { csrf_token = '' } = fieldsOf(await victim.text(`${END}?id=${otherId}`))
    const statuses = []
    for (const token of [csrf_token, '']) {
      statuses.push((await victim.send(END, { csrf_token: token, id: otherId }, headers)).status)
      statuses.push((await victim.send(END, { csrf_token: token, which: 'all' }, headers)).status)
      statuses.push((await victim.send(NOT_ME, { csrf_token: token, id: otherId }, headers)).status)
    }

    expect(statuses).toEqual(Array(6).fill(403))
    expect([(await victim.me()).subject, (await other.me()).subject, onNotMe.mock.calls]).toEqual(['ada', 'ada', []])
  })
})

it('no page may be framed', async () => {
  const site = accountSite()
  const victim = person(site)
  await victim.signIn()
  const policies = await Promise.all(
    [HOME, `${END}?which=all`, NOT_ME, `${HOME}/nothing`].map(async (path) =>
      (await victim.visit(path)).headers.get('content-security-policy'),
    ),
  )

  expect(policies.every((policy) => policy?.includes("frame-ancestors 'none'"))).toBe(true)
})
