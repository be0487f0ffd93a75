import { newSignInNotice } from 'sojourn/monitor/alerts'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { AccountPagesOptions } from '../../src/console/account-pages.ts'
import { AGENTS, accountSite, fieldsOf, HOME, person, wordsIn } from './account-support.ts'

const NOTICE = `${HOME}/notice`

/** A person who is told of a new sign-in; gives the secret of the link in the mail. */
async function told(account: AccountPagesOptions = {}) {
  let describe: (token: unknown) => Promise<never>
  let confirm: (token: unknown) => Promise<never>
  const site = accountSite(
    {},
    { ...account, notice: { describe: (token) => describe(token), confirm: (token) => confirm(token) } },
  )
  const links: string[] = []
  const notice = newSignInNotice(site.sessions, { tell: ({ token }) => links.push(token), isNew: () => true })
  onTestFinished(() => notice.close())
  describe = notice.describe as never
  confirm = notice.confirm as never
  const thief = person(site, AGENTS.windows)
  const thiefId = await thief.signIn()
  await notice.drained()
  return { site, thief, thiefId, link: `${NOTICE}?token=${links[0]}`, owner: person(site, AGENTS.phone) }
}

it('the link of a notice shows what it is about to whoever has it, and changes nothing', async () => {
  const { thief, owner, link } = await told()
  const page = await owner.visit(link, { headers: { 'sec-fetch-site': 'cross-site' } })

  expect(page.status).toBe(200)
  expect(wordsIn(await page.text())).toContain('Device Chrome on Windows When now Signed in with your password')
  expect((await thief.me()).subject).toBe('ada')
})

it('its button ends that session, marks the account, and says what to do next, without any sign-in', async () => {
  const onNotMe = vi.fn()
  const { thief, thiefId, owner, link } = await told({ onNotMe, passwordPage: '/password' })
  const answer = await owner.press(link)
  const next = await owner.text(answer.headers.get('location')!)

  expect([(await thief.me()).subject, onNotMe.mock.calls]).toEqual([null, [[{ subject: 'ada', sessionId: thiefId }]]])
  expect(wordsIn(next)).toContain('Your account is marked: it needs a new password.')
  expect(next).toContain('href="/password"')
  expect(next).not.toContain('sjw1_')
})

it('it works once; then, and when it is none, the page says so', async () => {
  const { owner, link } = await told()
  const fields = fieldsOf(await owner.text(link))
  await owner.send(NOTICE, fields)
  const pages = [
    await owner.send(NOTICE, fields),
    await owner.visit(link),
    await owner.visit(`${NOTICE}?token=sjw1_made-up`),
    await owner.visit(NOTICE),
  ]

  expect(pages.map(({ status }) => status)).toEqual([404, 404, 404, 404])
  expect(await Promise.all(pages.map(async (page) => /<h1>([^<]*)/.exec(await page.text())![1]))).toEqual([
    'You have told us already',
    'You have told us already',
    'This link does not work any more',
    'This link does not work any more',
  ])
})

it('another site’s page cannot press it', async () => {
  const { thief, owner, link } = await told()
  const fields = fieldsOf(await owner.text(link))
  const statuses = [
    (await owner.send(NOTICE, fields, { 'sec-fetch-site': 'cross-site' })).status,
    (await owner.send(NOTICE, fields, { origin: 'https://evil.example' })).status,
  ]

  expect([statuses, (await thief.me()).subject]).toEqual([[403, 403], 'ada'])
})

it('when the account cannot be marked, the session has ended and the person is told to act', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const { thief, owner, link } = await told({ onNotMe: () => Promise.reject(new Error('database')) })
  const answer = await owner.press(link)

  expect([answer.status, (await thief.me()).subject]).toEqual([503, null])
  expect(wordsIn(await answer.text())).toContain('Please choose one now.')
  warned.mockRestore()
})

it('it stands alone where the application has a layout, even in the browser of somebody who is signed in', async () => {
  const layout = vi.fn(() => 'the application')
  const { thief, link } = await told({ layout })
  const [page, next, nothing] = [
    await thief.text(link),
    await thief.text(`${NOTICE}/next-steps`),
    await thief.text(`${HOME}/nothing`),
  ]

  expect([page, next, nothing].filter((text) => text.startsWith('<!doctype html>'))).toHaveLength(3)
  expect([await thief.text(HOME), layout.mock.calls.length]).toEqual(['the application', 1])
})
