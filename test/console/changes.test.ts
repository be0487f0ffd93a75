import { StoreError } from 'sojourn'
import type { ConsoleDeed } from 'sojourn/console'
import { describe, expect, it } from 'vitest'
import { OPERATORS, type Site, siteFor } from './site.ts'

async function person(site: Site, subject = 'ada', count = 1): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push((await site.sessions.signIn({ subject, method: 'pwd' })).id!)
  return ids
}

const tokenIn = (text: string) => /name="csrf_token" value="([^"]+)"/.exec(text)?.[1] ?? ''

describe('ending a session', () => {
  it('is asked about first, with the count, and then done, told, and written down with who did it', async () => {
    const deeds: ConsoleDeed[] = []
    const site = await siteFor({ console: { audit: { record: async (deed) => deeds.push(deed) } } })
    const operator = await site.operator()
    const [id = ''] = await person(site)

    const question = await operator.get(`/console/sessions/${id}/end`)
    const answer = await operator.submit(`/console/sessions/${id}/end`, `/console/sessions/${id}/end`, { reason: 'lost-device' })
    await site.sessions.events.drained()

    expect(question.text).toContain('End 1 session')
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/console/sessions/${id}?done=ended`])
    expect(await site.sessions.list('ada')).toEqual([])
    expect((await operator.get(`/console/sessions/${id}?done=ended`)).text).toContain('The session has ended.')
    expect(deeds).toEqual([
      {
        action: 'console.session-end',
        actor: OPERATORS[0],
        sessionId: id,
        target: `session ${id}`,
        subject: 'ada',
        reason: 'lost-device',
      },
    ])
    expect(site.events).toContainEqual(
      expect.objectContaining({
        type: 'session.revoked',
        sessionId: id,
        subject: 'ada',
        reason: 'lost-device',
        actor: OPERATORS[0],
      }),
    )
  })

  it('by two operators at once is done once, and the slower one is told so', async () => {
    const site = await siteFor()
    const [first, second] = await Promise.all([site.operator(OPERATORS[0]), site.operator(OPERATORS[1])])
    const [id = ''] = await person(site)
    const path = `/console/sessions/${id}/end`
    const pages = await Promise.all([first.get(path), second.get(path)])

    const answers = await Promise.all([
      first.post(path, { csrf_token: tokenIn(pages[0].text) }),
      second.post(path, { csrf_token: tokenIn(pages[1].text) }),
    ])
    await site.sessions.events.drained()

    expect(answers.map(({ headers }) => headers.get('location')?.split('?')[1]).sort()).toEqual(['done=ended', 'done=gone'])
    expect(site.events.filter(({ type }) => type === 'session.revoked')).toHaveLength(1)
  })

  it('of one that is over says so, and of one that never was is a page of its own', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const [id = ''] = await person(site)
    await site.sessions.revoke(id)

    expect((await operator.get(`/console/sessions/${id}/end`)).headers.get('location')).toBe(`/console/sessions/${id}?done=gone`)
    for (const none of ['AAAAAAAAAAAAAAAAAAAAAA', 'x', '%00', '..%2f..', '%E0%A4%A', 'a'.repeat(5000)])
      expect((await operator.get(`/console/sessions/${none}/end`)).status).toBe(404)
  })

  it('does not happen when the audit log cannot be written', async () => {
    const record = () => Promise.reject(new StoreError('away', { code: 'ERR_STORE_UNAVAILABLE', status: 503 }))
    const site = await siteFor({ console: { audit: { record } } })
    const operator = await site.operator()
    const [id = ''] = await person(site)

    const answer = await operator.submit(`/console/sessions/${id}/end`, `/console/sessions/${id}/end`)

    expect(answer.status).toBe(503)
    expect(await site.sessions.list('ada')).toHaveLength(1)
  })

  it('takes only reasons it offered', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const [id = ''] = await person(site)
    await operator.submit(`/console/sessions/${id}/end`, `/console/sessions/${id}/end`, { reason: '__proto__' })
    await site.sessions.events.drained()
    expect(site.events).toContainEqual(expect.objectContaining({ type: 'session.revoked', reason: 'ended-by-operator' }))
  })
})

describe('ending all of a person', () => {
  it('shows how many, ends them in one step, and leaves others alone', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    await person(site, 'ada', 3)
    await person(site, 'grace')

    const question = await operator.get('/console/people/end?subject=ada')
    const answer = await operator.submit('/console/people/end?subject=ada', '/console/people/end')

    expect(question.text).toContain('End 3 sessions')
    expect(answer.headers.get('location')).toBe('/console/people?subject=ada&done=all-ended&count=3')
    expect((await operator.get('/console/people?subject=ada&done=all-ended&count=3')).text).toContain(
      '3 sessions of this person ended.',
    )
    expect(await site.sessions.list('ada')).toEqual([])
    expect(await site.sessions.list('grace')).toHaveLength(1)
  })

  it('warns an operator who is about to end their own', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    expect((await operator.get(`/console/people/end?subject=${OPERATORS[0]}`)).text).toContain('you will be signed out')
  })
})

describe('ending all that a search found', () => {
  it('shows how many, asks whether they are meant, ends those alone, and is written down', async () => {
    const deeds: ConsoleDeed[] = []
    const site = await siteFor({ console: { audit: { record: async (deed) => deeds.push(deed) } } })
    const operator = await site.operator()
    for (const network of ['203.0.113.0/24', '203.0.113.0/24', '198.51.100.0/24'])
      await site.sessions.signIn({ subject: 'ada', method: 'pwd' }, { network })
    const page = '/console/sessions/end-matching?by=network&q=203.0.113.0%2F24'
    const { text } = await operator.get(page)
    const csrf_token = tokenIn(text)

    const unsure = await operator.post('/console/sessions/end-matching', { csrf_token, by: 'network', q: '203.0.113.0/24' })
    const left = (await site.sessions.list('ada')).length
    const answer = await operator.submit(page, '/console/sessions/end-matching', { sure: 'yes' })

    expect(text).toContain('>End 2<')
    expect([unsure.status, left]).toEqual([303, 3])
    expect(answer.headers.get('location')).toContain('done=matching-ended&count=2')
    expect((await site.sessions.list('ada')).map(({ network }) => network)).toEqual(['198.51.100.0/24'])
    expect(deeds).toMatchObject([{ action: 'console.matching-end', target: '{"network":"203.0.113.0/24"}' }])
  })

  it('of a misspelt search ends nobody’s', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    await person(site)
    const csrf_token = tokenIn((await operator.get('/console/sessions/end-matching')).text)
    await operator.post('/console/sessions/end-matching', { csrf_token, by: 'id', q: 'nonsense', sure: 'yes' })
    expect(await site.sessions.list('ada')).toHaveLength(1)
  })
})

describe('what changes nothing', () => {
  it('a GET of any address, with whatever is in its query', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const [id = ''] = await person(site)
    for (const path of [
      `/sessions/${id}/end`,
      `/sessions/${id}?done=ended`,
      '/people/end?subject=ada&reason=x',
      '/applications/retry',
      '/audit/verify',
    ])
      await operator.get(`/console${path}`)
    expect(await site.sessions.list('ada')).toHaveLength(1)
  })

  it('a POST to a page, or another method anywhere', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const { status, headers } = await operator.post('/console/sessions', {})
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const put = await fetch(`${site.url}/console/policy`, {
      method: 'PUT',
      headers: { cookie: operator.cookie, 'sec-fetch-site': 'same-origin' },
    })
    expect(put.status).toBe(405)
  })
})

describe('a page of another site', () => {
  const foreign: readonly [string, Record<string, string>][] = [
    ['that the browser says is one', { 'sec-fetch-site': 'cross-site' }],
    ['of a sibling host', { 'sec-fetch-site': 'same-site' }],
    ['with another origin', { 'sec-fetch-site': '', origin: 'https://evil.example' }],
    ['with no origin at all', { origin: 'null' }],
  ]

  const cases = foreign.flatMap(([what, headers]) => [false, true].map((isOff) => [what, isOff, headers] as const))

  it.each(cases)(
    '%s ends nobody’s session, even with a token of the operator (adapter looks away: %s)',
    async (_, isOff, headers) => {
      const site = await siteFor({ dangerouslyDisableCsrf: isOff })
      const operator = await site.operator()
      const [id = ''] = await person(site)
      const path = `/console/sessions/${id}/end`
      const { text } = await operator.get(path)

      const answer = await operator.post(path, { csrf_token: tokenIn(text) }, headers)

      expect(answer.status).toBe(403)
      expect(await site.sessions.list('ada')).toHaveLength(1)
    },
  )

  it('the form must carry the token of this very session, whatever the headers say', async () => {
    const site = await siteFor()
    const [first, second] = await Promise.all([site.operator(OPERATORS[0]), site.operator(OPERATORS[1])])
    const [id = ''] = await person(site)
    const path = `/console/sessions/${id}/end`
    const others = tokenIn((await second.get(path)).text)
    const own = tokenIn((await first.get(path)).text)

    const answers = [
      await first.post(path, {}),
      await first.post(path, { csrf_token: others }),
      await first.post(path, { csrf_token: '' }),
      await first.post(path, { csrf_token: `${own}A` }),
      await first.post(path, { csrf_token: own }, { 'content-type': 'text/plain' }),
    ]
    await site.sessions.events.drained()

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403])
    expect(answers[0]?.text).toContain('Nothing was changed')
    expect(await site.sessions.list('ada')).toHaveLength(1)
    expect(site.events.filter(({ type }) => type === 'csrf.refused')).toHaveLength(5)
    expect((await first.post(path, { csrf_token: own })).status).toBe(303)
  })
})
