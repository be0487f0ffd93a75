import { createSessions } from 'sojourn'
import { createHub, type HubOptions } from 'sojourn/oidc'
import { memoryOutbox } from 'sojourn/oidc/stores/memory'
import { cookieStore } from 'sojourn/stores/cookie'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it } from 'vitest'
import { signer } from './hub/receiver.ts'
import { KEYS } from './hub/support.ts'

const sessions = createSessions({ store: memoryStore(), keys: KEYS })
const club = { id: 'club', logoutUri: 'https://club.example/logout' }
const hubOf = (more: object) => createHub(sessions, { signer, outbox: memoryOutbox(), clients: [club], ...more } as HubOptions)
const withUri = (logoutUri: unknown, more: object = {}) => hubOf({ clients: [{ id: 'club', logoutUri }], ...more })

describe('start-up refuses', () => {
  it.each([
    ['no signer', { signer: undefined }],
    ['a signer without an issuer', { signer: { sign: async () => '' } }],
    ['no outbox', { outbox: undefined }],
    ['an outbox that is a session store', { outbox: memoryStore() }],
    ['no clients', { clients: undefined }],
    ['two clients of one id', { clients: [club, club] }],
    ['a client without an id', { clients: [{ ...club, id: '' }] }],
    ['a client whose id has a line end', { clients: [{ ...club, id: 'a\nb' }] }],
    ['a client whose id is too long', { clients: [{ ...club, id: 'x'.repeat(256) }] }],
    ['a client that is nothing', { clients: [null] }],
    ['a word for sidFor that there is not', { clients: [{ ...club, sidFor: 'token' }] }],
    ['an option that there is not', { sweepIntervall: 1 }],
    ['a timeout in seconds', { timeout: 5 }],
    ['no timeout at all', { timeout: Number.POSITIVE_INFINITY }],
    ['no concurrency', { concurrency: 0 }],
    ['a sweep that never comes', { sweepInterval: 86_400_000 }],
    ['an interval that is no number', { pollInterval: '20' }],
    ['a fetch that is none', { fetch: 'fetch' }],
  ])('%s', (_what, more) => {
    expect(() => hubOf(more)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  it.each([
    undefined,
    '',
    'club.example',
    '/logout',
    'ftp://club.example/',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'http://club.example/logout',
    'http://localhost.example/logout',
    'http://127.0.0.1.example/',
    'http://[::2]/',
    'https://club.example/logout#part',
    'https://club.example/logout#',
    'https://user:word@club.example/',
    'https://user@club.example/',
    new URL('https://club.example/'),
  ])('an address that no logout token may go to: %s', (uri) => {
    expect(() => withUri(uri, { dangerouslyAllowHttp: true })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  it.each(['http://localhost:3001/', 'http://club.localhost/', 'http://127.0.0.1:3001/', 'http://[::1]/'])(
    '%s, unless plain HTTP is allowed',
    (uri) => {
      expect(() => withUri(uri)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
      expect(() => withUri(uri, { dangerouslyAllowHttp: true })).not.toThrow()
    },
  )

  it('a store that keeps no records, since nobody could tell which sessions live', () => {
    const carrying = createSessions({ store: cookieStore({ ledger: memoryStore() }), keys: KEYS })

    expect(() => createHub(carrying, { signer, outbox: memoryOutbox(), clients: [club] })).toThrow(/keeps no records/)
  })

  it('what createSessions did not give', () => {
    expect(() => createHub({} as never, { signer, outbox: memoryOutbox(), clients: [club] })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
    )
  })
})

it('an https address may have a port and a query', () => {
  expect(() => withUri('https://club.example:8443/logout?tenant=1')).not.toThrow()
})

it('lowering safety is reported, where it is used', async () => {
  const types: string[] = []
  const stop = sessions.events.on('safety.lowered', ({ option }) => types.push(option))

  hubOf({ dangerouslyAllowHttp: true })
  await sessions.events.drained()
  const unused = types.length
  withUri('http://localhost/', { dangerouslyAllowHttp: true })
  await sessions.events.drained()
  stop()

  expect([unused, types]).toEqual([0, ['dangerouslyAllowHttp']])
})
