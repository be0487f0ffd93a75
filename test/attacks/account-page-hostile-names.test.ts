// The attacker has: the password of somebody, and with it a say in what that person's page shows: names of devices, providers and networks, and entries of the log.
// The attacker does: signs in as a device whose name is markup, turns text around, is a kilobyte long, or passes for another element of the page.
// The attacker must not get: markup or script in the page, a name that reads as another, a page that is too wide to use, or their session out of the list.
import { expect, it } from 'vitest'
import { accountSite, devicesIn, END, HOME, NOT_ME, person } from '../console/account-support.ts'
import { tokenOf } from '../core/support.ts'

const NAMES = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' autofocus onfocus=alert(1) x='",
  '</bdi></h3></li></ul><form action=https://evil.example><button>Sign in again</button>',
  '\u202Exuni\u202C no xoferiF\u2066',
  'x'.repeat(1024),
  '🦊\u0000\ud800\u2028',
  '{{constructor}}',
]

/** What turns text around, and what ends lines unseen. */
const UNSEEN = Array.from('\u202a\u202c\u202e\u2066\u2069\u2028\u0000')

it.each(NAMES.map((name) => [JSON.stringify(name).slice(0, 40), name] as const))('a device called %s', async (_shown, name) => {
  const audit = {
    search: async () => ({
      entries: [{ type: 'session.started', at: 0, subject: 'ada', details: { methods: [name], device: name } }],
    }),
  }
  const site = accountSite({}, { audit, place: () => name })
  const owner = person(site)
  await owner.signIn()
  const hostile = await site.sessions.signIn({ subject: 'ada', method: 'pwd' }, { device: name })
  await tokenOf(hostile)
  const pages = [
    await owner.text(HOME),
    await owner.text(`${END}?id=${hostile.id}`),
    await owner.text(`${END}?which=all`),
    await owner.text(`${NOT_ME}?id=${hostile.id}`),
  ]

  expect(devicesIn(pages[0]!)).toContain(hostile.id)
  for (const page of pages) {
    const bare = page.replaceAll(/"[^"]*"/g, '')
    expect(bare).not.toMatch(/<script|<img|<[^>]*(?:onerror|onfocus|autofocus)/)
    expect(page.match(/<form/g) ?? []).toHaveLength(page === pages[0] ? 0 : 1)
    expect(page.replaceAll(/title="[^"]*"/g, '')).not.toMatch(/x{65}/)
  }
  const names = [...pages[0]!.matchAll(/<bdi[^>]*>([^<]*)/g)].flatMap(([, text]) => Array.from(text!))
  expect(names.filter((letter) => UNSEEN.includes(letter))).toEqual([])
})
