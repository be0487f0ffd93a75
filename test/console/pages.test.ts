import { Buffer } from 'node:buffer'
import { policies } from 'sojourn'
import { auditLog } from 'sojourn/monitor/audit'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { asvsRows } from '../../src/console/pages/policy-rows.ts'
import { setUp } from '../core/support.ts'
import { HOSTILE, type Site, siteFor } from './site.ts'

const signIn = (site: Site, subject: string, context: { device?: string; network?: string } = {}) =>
  site.sessions.signIn({ subject, method: 'pwd' }, context)

/** Whatever is in the page that was not written by us. */
const dangers = (text: string) => ['<img', '<b>', '<script>', '\u202E', '\u0000'].filter((part) => text.includes(part))

describe('searching', () => {
  it('finds by person, beginning, device, network and state, and counts what it found', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    await signIn(site, 'ada', { device: 'Firefox on Linux', network: '203.0.113.0/24' })
    await signIn(site, 'adam', { device: 'Safari on iPhone' })
    const { id = '' } = await signIn(site, 'grace')
    await site.sessions.revoke(id)
    const found = async (query: string) => {
      const { text } = await operator.get(`/console/sessions?${query}`)
      return ['ada', 'adam', 'grace'].filter((name) => text.includes(`<bdi>${name}</bdi>`))
    }

    expect(await found('')).toEqual(['ada', 'adam'])
    expect(await found('by=person&q=ada')).toEqual(['ada'])
    expect(await found('by=prefix&q=ada')).toEqual(['ada', 'adam'])
    expect(await found('by=device&q=Safari+on+iPhone')).toEqual(['adam'])
    expect(await found('by=network&q=203.0.113.0/24')).toEqual(['ada'])
    expect(await found('state=revoked')).toEqual(['grace'])
    expect(await found('state=all')).toEqual(['ada', 'adam', 'grace'])
    expect((await operator.get('/console/sessions?by=prefix&q=ada')).text).toContain('2 found')
  })

  it('goes from page to page without a session twice or missed, and an id leads to its session', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const ids = new Set<string>()
    for (let i = 0; i < 120; i++) {
      ids.add((await signIn(site, `reader-${i}`)).id!)
      site.clock.advance(1)
    }
    const seen: string[] = []
    let path: string | undefined = '/console/sessions?by=prefix&q=reader&since=day'
    while (path !== undefined) {
      const { text }: { text: string } = await operator.get(path)
      seen.push(...[...text.matchAll(/href="\/console\/sessions\/([\w-]{22})"/g)].map(([, id]) => id!))
      path = /href="([^"]+)">Next page/.exec(text)?.[1]?.replaceAll('&amp;', '&')
      site.clock.advance(61_000)
    }

    expect(seen).toHaveLength(120)
    expect(new Set(seen)).toEqual(ids)
    const [id = ''] = ids
    expect((await operator.get(`/console/sessions?by=id&q=${id}`)).headers.get('location')).toBe(`/console/sessions/${id}`)
  })

  it.each([
    'by=id&q=nonsense',
    'cursor=nonsense',
    `by=person&q=${'%F0%9F%98%80'.repeat(400)}`,
    'by=__proto__&state=constructor&since=toString&order=9',
    'after=-1&since=day&after=NaN',
    `q=${'%00'}`,
    'q=%E0%A4%A&by=network',
  ])('%s is answered with a page', async (query) => {
    const site = await siteFor()
    const operator = await site.operator()
    expect((await operator.get(`/console/sessions?${query}`)).status).toBe(200)
  })

  it('a store that cannot search says so, and finds by person and id', async () => {
    const full = memoryStore()
    const store = { ...full, capabilities: { ...full.capabilities, queries: false } }
    const bound = new Proxy(full, {
      get: (target, name) => (name === 'capabilities' ? store.capabilities : bindTo(target, name)),
    })
    const site = await siteFor({ store: bound })
    const operator = await site.operator()
    const { id = '' } = await signIn(site, 'ada')

    expect((await operator.get('/console/sessions')).text).toContain('cannot search')
    expect((await operator.get('/console/sessions?by=person&q=ada')).text).toContain(`/console/sessions/${id}`)
    expect((await operator.get(`/console/sessions?by=id&q=${id}`)).status).toBe(303)
    expect((await operator.get('/console')).text).toContain('this store cannot count')
  })
})

function bindTo(target: object, name: string | symbol): unknown {
  const value = Reflect.get(target, name) as unknown
  return typeof value === 'function' ? value.bind(target) : value
}

describe('one session', () => {
  it('shows who, how well proved, until when, what protects it, and what happened', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const { id = '' } = await signIn(site, 'ada', { device: 'Firefox on Linux', network: '203.0.113.0/24' })
    await site.sessions.events.drained()

    const { text } = await operator.get(`/console/sessions/${id}`)

    for (const part of [
      'ada',
      'Firefox on Linux',
      '203.0.113.0/24',
      'aal1 (one factor)',
      'password',
      'Bound to no key',
      'Signed in with pwd',
      'in 30 minutes',
    ])
      expect(text).toContain(part)
  })

  it('that ended, expired, or was ended with all others says which', async () => {
    const site = await siteFor({ policy: policies.low })
    const ended = await signIn(site, 'ada')
    const together = await signIn(site, 'grace')
    const expired = await signIn(site, 'linus')
    await site.sessions.revoke(ended.id!, { reason: 'lost-device' })
    await site.sessions.revokeSubject('grace')
    site.clock.advance(40 * 60_000)
    const operator = await site.operator()

    expect((await operator.get(`/console/sessions/${ended.id}`)).text).toContain('(lost device) and lets nobody in')
    expect((await operator.get(`/console/sessions/${together.id}`)).text).toContain('lets nobody in')
    expect((await operator.get(`/console/sessions/${expired.id}`)).text).toContain('It has expired')
  })
})

describe('hostile names', () => {
  it('are text on every page, whole for who needs them and cut for who reads', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const { id } = await signIn(site, HOSTILE.subject, { device: HOSTILE.device })
    await signIn(site, HOSTILE.reversed)
    await site.sessions.events.drained()
    const subject = encodeURIComponent(HOSTILE.subject)

    for (const path of [
      '',
      '/sessions',
      `/sessions?q=${subject}`,
      `/sessions/${id}`,
      `/sessions/${id}/end`,
      `/people?subject=${subject}`,
      `/people/end?subject=${subject}`,
      `/people?subject=${encodeURIComponent(HOSTILE.reversed)}`,
      `/people?subject=${'x'.repeat(1025)}`,
      `/people?subject=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E&done=%3Cb%3E&count=%3Cb%3E`,
    ]) {
      const { text, status } = await operator.get(`/console${path}`)
      expect([path, status, dangers(text.replace(/value="[^"]*"/g, ''))]).toEqual([path, 200, []])
    }
  })
})

describe('what every answer says of itself', () => {
  it('loads, runs and is framed by nothing but itself, is kept by nobody, and has no code in it', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    for (const path of ['', '/sessions', '/nowhere']) {
      const { headers, text } = await operator.get(`/console${path}`)
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      )
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(text).not.toMatch(/\sstyle=|<style|\son\w+=|javascript:|https?:\/\//)
      expect([...text.matchAll(/<script[^>]*>([^<]*)</g)].map(([, code]) => code)).toEqual([''])
    }
  })

  it('its files are named by what is in them, and are kept', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const { text } = await operator.get('/console')
    for (const [, address = ''] of text.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)) {
      const file = await operator.get(address.replaceAll('&amp;', '&'))
      expect([file.status, file.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
      expect(file.headers.getSetCookie()).toEqual([])
    }
    expect((await operator.get('/console/assets/../console.js')).status).toBe(404)
    expect((await operator.get('/console/assets/nothing.js')).status).toBe(404)
  })

  it('no page, event or file has a token of anybody’s in it', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    const other = await site.operator('second-librarian')
    const tokens = [operator.cookie, other.cookie].map((cookie) => cookie.split('=')[1]!)
    const ids = (await site.sessions.list('second-librarian')).map(({ id }) => id)
    const texts: string[] = []
    for (const path of [
      '',
      '/sessions?state=all',
      `/sessions/${ids[0]}`,
      `/sessions/${ids[0]}/end`,
      '/people?subject=second-librarian',
      '/policy',
      '/keys',
    ])
      texts.push((await operator.get(`/console${path}`)).text)
    texts.push(JSON.stringify(site.events))
    for (const token of tokens) {
      expect(token.length).toBeGreaterThan(60)
      const secret = Buffer.from(token.slice(token.indexOf('_') + 1), 'base64url').subarray(16, 48)
      for (const part of [token.slice(-40), secret.toString('hex'), secret.toString('base64url').slice(2, 40)])
        expect(texts.filter((text) => text.includes(part))).toEqual([])
    }
  })
})

describe('the rows of ASVS that a configuration meets', () => {
  const report = setUp().sessions.describePolicy()
  const { capabilities } = memoryStore()
  const missed = (...given: Parameters<typeof asvsRows>) => asvsRows(...given).flatMap(({ ids, isMet }) => (isMet ? [] : [ids]))

  it('are all of chapter 7 that it decides on, with a store that keeps records and lists', () => {
    expect(missed(report, capabilities)).toEqual([])
  })

  it('are those that the store can keep, and no others', () => {
    const carries = { maxLength: 3000, deflates: false }

    expect(missed(report, { ...capabilities, listsSubjects: false })).toEqual(['7.5.2'])
    expect(missed(report, { ...capabilities, carries, listsSubjects: false, revokesSubjects: false })).toEqual([
      '7.4.1',
      '7.4.2, 7.4.5',
      '7.5.2',
    ])
  })

  it('leave out that deviations are documented, where nothing says why', () => {
    expect(missed({ ...report, deviations: ['longer'], justification: undefined }, capabilities)).toEqual(['7.1.1, 7.1.2'])
  })

  it('stand on the policy page', async () => {
    const site = await siteFor({})
    const { text } = await (await site.operator()).get('/console/policy')

    expect(text).toContain('All sessions of a person can be ended at once.')
  })
})

describe('policy and keys', () => {
  it('show what is in force, where it deviates and why, and how many keys there are', async () => {
    const site = await siteFor({ policy: { ...policies.high, idleTimeout: 20 * 60_000, justification: 'Readers read slowly' } })
    const operator = await site.operator()
    const { text } = await operator.get('/console/policy')
    for (const part of ['20 minutes', '4 hours', 'high', 'Readers read slowly', 'idleTimeout']) expect(text).toContain(part)
    expect((await operator.get('/console/keys')).text).toContain('Keys in the ring')
  })
})

describe('with an audit log', () => {
  it('shows entries, searches them, and verifies them on request, and by POST only', async () => {
    const audits: ReturnType<typeof auditLog>[] = []
    const audit = {
      record: (deed: Parameters<ReturnType<typeof auditLog>['record']>[0]) => audits[0]!.record(deed),
      search: (query: object) => audits[0]!.search(query),
      verify: () => audits[0]!.verify(),
    }
    const site = await siteFor({ console: { audit } })
    const store = sqliteAuditStore(':memory:')
    audits.push(auditLog(site.sessions, { store, linger: 0 }))
    onTestFinished(async () => {
      await audits[0]!.close()
      await store.close()
    })
    const operator = await site.operator()
    const { id = '' } = await signIn(site, 'ada')
    await operator.submit(`/console/sessions/${id}/end`, `/console/sessions/${id}/end`, { reason: 'suspected-theft' })
    await audits[0]!.drained()

    const { text } = await operator.get('/console/audit?subject=ada')
    const verified = await operator.submit('/console/audit', '/console/audit/verify')

    expect(text).toContain('An operator ended the session (suspected theft).')
    expect(text).toContain('root-librarian')
    expect((await operator.get('/console/audit?older=nonsense')).text).toContain('of another search')
    expect(verified.text).toContain('The log is whole')
    expect((await operator.get('/console/audit/verify')).status).toBe(405)
    expect((await operator.get(`/console/sessions/${id}`)).text).toContain('An operator ended the session')
  })
})
