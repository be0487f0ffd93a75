import { minutes } from 'sojourn'
import { describe, expect, it, onTestFinished } from 'vitest'
import { OPERATORS, type Site, siteFor } from './site.ts'

/** Opens the stream and collects what comes, until it ends. */
async function open(site: Site, cookie: string) {
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  const response = await fetch(`${site.url}/console/live`, { headers: { cookie }, signal: leaving.signal })
  let text = ''
  const isOver = (async () => {
    const decoder = new TextDecoder()
    for await (const piece of response.body!) text += decoder.decode(piece as Uint8Array, { stream: true })
  })().catch(() => {})
  return {
    response,
    isOver,
    text: () => text,
    async until(part: string) {
      await expect.poll(() => text, { timeout: 10_000 }).toContain(part)
    },
  }
}

describe('the live stream', () => {
  it('says that something changed, and what another operator did, but not what one did oneself', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const stream = await open(site, operator.cookie)
    await stream.until('retry')
    const [first, second] = [
      await site.sessions.signIn({ subject: 'ada', method: 'pwd' }),
      await site.sessions.signIn({ subject: 'ada', method: 'pwd' }),
    ]

    await stream.until('event: change')
    await site.sessions.revoke(first.id!, { reason: 'x', actor: OPERATORS[0]! })
    await site.sessions.revoke(second.id!, { reason: 'x', actor: OPERATORS[1]! })
    await stream.until('event: told')

    expect(stream.text()).toContain('second-librarian ended a session of ada.')
    expect(stream.text()).not.toContain('root-librarian')
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream')
    expect(stream.text()).not.toMatch(/sjn1_/)
  })

  it('carries nothing but words, subjects and ids, whatever a subject is', async () => {
    const site = await siteFor()
    const stream = await open(site, (await site.operator()).cookie)
    await stream.until('retry')
    const hostile = 'eve\n\nevent: end\ndata: {}\n\n'
    const { id = '' } = await site.sessions.signIn({ subject: hostile, method: 'pwd' })
    await site.sessions.revoke(id, { reason: 'x', actor: OPERATORS[1]! })
    await stream.until('event: told')
    expect(stream.text()).not.toMatch(/\nevent: end\n/)
  })

  it.each([
    ['the operator’s session is ended', async (site: Site) => void (await site.sessions.revokeSubject(OPERATORS[0]!))],
    ['the operator’s session expires', async (site: Site) => site.clock.advance(minutes(60 * 13))],
    ['its proof becomes too old', async (site: Site) => site.clock.advance(minutes(11))],
  ])('closes when %s', async (_, end) => {
    const site = await siteFor({ console: { requirement: { acr: 'aal2', maxAge: minutes(10) } } })
    const stream = await open(site, (await site.operator()).cookie)
    await stream.until('retry')

    await end(site)

    await stream.until('event: end')
    await stream.isOver
  })

  it('closes when the operator is none any more, and when the server stops', async () => {
    const operators = new Set(OPERATORS)
    const site = await siteFor({ console: { allows: ({ subject }) => operators.has(subject ?? '') } })
    const [first, second] = [
      await open(site, (await site.operator()).cookie),
      await open(site, (await site.operator(OPERATORS[1])).cookie),
    ]
    await Promise.all([first.until('retry'), second.until('retry')])

    operators.delete(OPERATORS[0]!)
    await first.until('event: end')
    expect(second.text()).not.toContain('event: end')
    site.close()
    await second.isOver
  })

  it('is not an activity: it keeps no session alive', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const [before] = await site.sessions.list(OPERATORS[0]!)
    site.clock.advance(minutes(20))
    const stream = await open(site, operator.cookie)
    await stream.until('retry')
    const [opened] = await site.sessions.list(OPERATORS[0]!)
    site.clock.advance(minutes(5))
    site.sessions.events.emit({ type: 'token.refused', state: 'forged' })
    await stream.until('event: change')
    const [after] = await site.sessions.list(OPERATORS[0]!)
    expect(after?.lastSeenAt).toBe(opened?.lastSeenAt)
    expect(before?.id).toBe(after?.id)
  })
})
