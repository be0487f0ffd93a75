// The attacker has: the address of the feed, the names of clients, a secret of a service that may not follow it, or one of its connections to read.
// The attacker does: connects in every way, and reads what a service is told.
// The attacker must not obtain: who signs out when, a person's name, or anything a session or token could be used by.
import { expect, it, vi } from 'vitest'
import { tokenOf } from '../core/support.ts'
import { basic, endpointSite, STOCK } from '../tokens/endpoint-site.ts'
import { FeedReader } from '../tokens/feed/reader.ts'

it('without the secret of a service that may, nothing is told', async () => {
  const site = await endpointSite()
  const attempts: [string, Record<string, string>][] = [
    ['', {}],
    ['?client_id=orders', {}],
    ['', basic('orders', STOCK.clientSecret)],
    ['', basic('stock', STOCK.clientSecret)],
    ['', { cookie: '__Host-sjn=x', origin: 'https://shop.example' }],
    ['', { 'last-event-id': 'AAAAAAAAAAAA-1' }],
  ]
  const answers = await Promise.all(
    attempts.map(async ([query, headers]) => {
      const answer = await fetch(`${site.origin}/oauth/feed${query}`, { headers })
      return [answer.status, await answer.text()]
    }),
  )

  expect(answers.map(([status]) => status)).toEqual([401, 401, 401, 403, 401, 401])
  expect(answers.map(([, text]) => text).join()).not.toMatch(/hello|since/)
})

it('what a service is told names nobody and opens nothing', async () => {
  const site = await endpointSite()
  const reader = await FeedReader.open(site)
  const { session, accessToken } = await site.token('ada@example.org')
  const token = await tokenOf(session)
  await site.post('/oauth/revoke', { token: accessToken, client_id: 'app' })
  await site.sessions.revokeSubject('ada@example.org', { reason: 'moved-to-12-high-street', actor: 'bob' })
  await site.sessions.revoke(session.id!, { actor: 'bob' })
  await vi.waitFor(() => expect(reader.of('subject')).toHaveLength(1), { timeout: 10_000 })
  const told = JSON.stringify(reader.events)

  for (const secret of ['ada', 'bob', 'high-street', accessToken.split('.')[1]!, token.slice(-40)])
    expect(told).not.toContain(secret)
})

it('a page of another site may not read it: no header lets it', async () => {
  const reader = await FeedReader.open(await endpointSite(), { headers: { origin: 'https://evil.example' } })

  expect([...reader.response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
})
