import { createSessions, hours, isSojournError, minutes } from 'sojourn'
import { createConsole } from 'sojourn/console'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { Browser, OPERATORS, siteFor } from './site.ts'

const PAGES = [
  '',
  '/sessions',
  '/sessions/abc',
  '/sessions/abc/end',
  '/people',
  '/people/end',
  '/policy',
  '/keys',
  '/live',
  '/nowhere',
]

describe('who is let in', () => {
  it.each(PAGES)('a visitor who is not signed in is sent to sign in, and sees nothing of %j', async (page) => {
    const site = await siteFor()

    const { status, headers, text } = await new Browser(site.url, '').get(`/console${page}`)

    expect(status).toBe(303)
    expect(headers.get('location')).toMatch(/^\/login\?/)
    expect(text).not.toContain('Sessions')
  })

  it.each(PAGES)('who is no operator finds nothing at %j, however well they proved who they are', async (page) => {
    const site = await siteFor()
    const ada = await site.operator('ada')

    const answer = await ada.get(`/console${page}`)
    const posted = await ada.post(`/console${page}`, {})

    expect([answer.status, answer.text]).toEqual([404, 'Not found\n'])
    expect([posted.status, posted.text]).toEqual([404, 'Not found\n'])
  })

  it('an operator with a password alone is asked for more, on pages, changes and the live stream', async () => {
    const site = await siteFor()
    const operator = await site.operator(OPERATORS[0], ['pwd'])

    for (const page of PAGES) {
      expect((await operator.get(`/console${page}`)).headers.get('location')).toMatch(/^\/step-up\?acr=aal2/)
      expect((await operator.post(`/console${page}`, {})).status).toBe(303)
    }
  })

  it('an operator sees every page', async () => {
    const site = await siteFor()
    const operator = await site.operator()

    for (const page of ['', '/sessions', '/people', '/policy', '/keys']) {
      const { status, text } = await operator.get(`/console${page}`)
      expect([page, status]).toEqual([page, 200])
      expect(text).toMatch(/^<!doctype html><html lang="en">/)
    }
    expect((await operator.get('/console/nowhere')).status).toBe(404)
    expect((await operator.get('/console/audit')).status).toBe(404)
  })

  it('only `true` lets in: a promise of a word, or a word, does not', async () => {
    const site = await siteFor({ console: { allows: (() => Promise.resolve('yes')) as never } })
    expect((await (await site.operator()).get('/console')).status).toBe(404)
  })

  it('somebody who is no operator any more is out at the next request', async () => {
    const operators = new Set(OPERATORS)
    const site = await siteFor({ console: { allows: async ({ subject }) => operators.has(subject ?? '') } })
    const operator = await site.operator()
    expect((await operator.get('/console')).status).toBe(200)

    operators.clear()

    expect((await operator.get('/console')).status).toBe(404)
  })

  it('paths beside the console are the application’s', async () => {
    const site = await siteFor()
    const operator = await site.operator()
    for (const path of ['/', '/consoles', '/console2', '/Console', '/c%6fnsole'])
      expect((await operator.get(path)).text).toBe(`page ${path}`)
  })
})

describe('assurance that decays', () => {
  it('an operator whose proof became too old in the middle of a change is asked again, and nothing ended', async () => {
    const site = await siteFor({ console: { requirement: { acr: 'aal2', maxAge: minutes(10) } } })
    const operator = await site.operator()
    const { id } = await site.sessions.signIn({ subject: 'ada', method: 'pwd' })
    const { text } = await operator.get(`/console/sessions/${id}/end`)
    const csrf_token = /name="csrf_token" value="([^"]+)"/.exec(text)?.[1] ?? ''

    site.clock.advance(minutes(11))
    const answer = await operator.post(`/console/sessions/${id}/end`, { csrf_token })

    expect(answer.headers.get('location')).toMatch(/^\/step-up\?acr=aal2&max_age=600/)
    expect(await site.sessions.list('ada')).toHaveLength(1)
  })

  it('a requirement under aal2 is reported as lowered safety, and the default is not', async () => {
    const lowered = await siteFor({ console: { requirement: { acr: 'aal1' } } })
    const usual = await siteFor()
    await Promise.all([lowered.sessions.events.drained(), usual.sessions.events.drained()])

    expect(lowered.events).toContainEqual(expect.objectContaining({ type: 'safety.lowered', option: 'console.requirement' }))
    expect(
      usual.events.filter(
        ({ type, ...event }) => type === 'safety.lowered' && 'option' in event && event.option === 'console.requirement',
      ),
    ).toEqual([])
    expect((await (await lowered.operator(OPERATORS[0], ['pwd'])).get('/console')).status).toBe(200)
  })
})

describe('start-up', () => {
  const sessions = createSessions({ store: memoryStore(), keys: testKey() })
  const allows = () => true

  it.each([
    ['no options', undefined],
    ['nobody who decides', {}],
    ['a list instead of a function', { allows: ['root'] }],
    ['an option there is none of', { allows, allow: true }],
    ['a path with a slash at its end', { allows, path: '/console/' }],
    ['the root as path', { allows, path: '/' }],
    ['a path with an escape', { allows, path: '/c%6f' }],
    ['a level there is none of', { allows, requirement: { acr: 'aal9' } }],
    ['seconds where milliseconds are meant', { allows, requirement: { maxAge: 600 } }],
    ['an audit log that records nothing', { allows, audit: {} }],
    ['tokens without keys', { allows, tokens: {} }],
    ['a hub without deliveries', { allows, hub: {} }],
  ])('%s is refused', (_, options) => {
    expect.assertions(1)
    try {
      createConsole(sessions, options as never)
    } catch (error) {
      expect(isSojournError(error)).toBe(true)
    }
  })

  it('other sessions than createSessions gave are refused', () => {
    expect(() => createConsole({ ...sessions }, { allows, requirement: { maxAge: hours(1) } })).toThrow('createSessions')
  })
})
