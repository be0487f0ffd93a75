import { describe, expect, test } from 'vitest'
import type { RequestFacts } from '../../src/http/request-facts.ts'
import { withoutPort } from '../../src/http/request-facts.ts'
import { Transport, type TransportOptions, transportError } from '../../src/http/transport.ts'

function facts(given: Partial<Omit<RequestFacts, 'header'>> & { headers?: Record<string, string> } = {}): RequestFacts {
  const { headers = {}, ...rest } = given
  return {
    method: 'GET',
    isEncrypted: false,
    peer: '10.0.0.5',
    host: 'example.com',
    authority: 'example.com',
    path: '/',
    header: (name) => headers[name],
    ...rest,
  }
}

function verdict(options: TransportOptions, request: RequestFacts): string {
  const judged = new Transport(options).judge(request)
  return typeof judged === 'string' ? judged : judged.reason
}

const HTTPS = { 'x-forwarded-proto': 'https' }
const HTTP = { 'x-forwarded-proto': 'http' }

describe('TLS', () => {
  test('on this hop is enough, whatever headers claim', () => {
    expect(verdict({}, facts({ isEncrypted: true, headers: HTTP }))).toBe('secure')
  })

  test('is believed of a trusted proxy', () => {
    expect(verdict({ trustedProxies: ['10.0.0.5'] }, facts({ headers: HTTPS }))).toBe('secure')
  })

  test.each([
    ['::ffff:10.0.0.5', ['10.0.0.5']],
    ['10.0.0.5', ['::ffff:10.0.0.5']],
    ['fd00::A', ['FD00::a']],
    ['127.0.0.9', ['loopback']],
    ['::1', ['loopback']],
    ['::ffff:127.0.0.1', ['loopback']],
    ['10.200.0.1', ['10.0.0.0/8']],
    ['fd00:0:0::1', ['uniquelocal']],
    ['fe80::1%eth0', ['linklocal']],
  ])('a proxy seen as %s is on the list %j', (peer, trustedProxies) => {
    expect(verdict({ trustedProxies }, facts({ peer, headers: HTTPS }))).toBe('secure')
  })

  test.each([['10.0.0.6'], ['10.0.0.50'], ['::1'], ['127.0.0.1'], [undefined]])('is not believed of a stranger at %s', (peer) => {
    expect(verdict({ trustedProxies: ['10.0.0.5'] }, facts({ peer, headers: HTTPS }))).toBe('untrusted-proxy')
  })

  test.each(['http', 'https, http', 'http, https', 'https,', 'httpsx', 'on'])(
    'is not what X-Forwarded-Proto: %s says',
    (proto) => {
      const request = facts({ headers: { 'x-forwarded-proto': proto } })

      expect(verdict({ trustedProxies: ['10.0.0.5'] }, request)).toBe('proxied-plain-http')
    },
  )

  test.each(['https', 'HTTPS', ' https , https'])('is what X-Forwarded-Proto: %s says', (proto) => {
    const request = facts({ headers: { 'x-forwarded-proto': proto } })

    expect(verdict({ trustedProxies: ['10.0.0.5'] }, request)).toBe('secure')
  })
})

describe('plain HTTP', () => {
  test('gets no session unless asked for, on loopback neither', () => {
    expect(verdict({}, facts())).toBe('plain-http')
    expect(verdict({}, facts({ host: 'localhost' }))).toBe('plain-http')
  })

  test.each(['localhost', 'LOCALHOST', 'shop.localhost', '127.0.0.1', '127.1.2.3', '[::1]', 'localhost.'])(
    '%s is served for developers',
    (host) => {
      expect(verdict({ dangerouslyAllowHttp: true }, facts({ host }))).toBe('loopback')
    },
  )

  test.each([
    'example.com',
    'localhost.example.com',
    'notlocalhost',
    '127.0.0.1.example.com',
    '128.0.0.1',
    '10.0.0.1',
    '192.168.0.2',
    '0.0.0.0',
    '[::2]',
    '[::]',
    '',
    undefined,
    'localhost@example.com',
    'localhost\n',
  ])('%j is not, even so', (host) => {
    expect(verdict({ dangerouslyAllowHttp: true }, facts({ host }))).toBe('not-loopback')
  })

  test.each(['x-forwarded-proto', 'x-forwarded-for', 'forwarded'])(
    'a proxy’s own name for this server is no loopback: %s gives it away',
    (name) => {
      const request = facts({ host: 'localhost', headers: { [name]: 'x' } })

      expect(verdict({ dangerouslyAllowHttp: true }, request)).toBe('untrusted-proxy')
    },
  )

  test('a trusted proxy on the developer’s machine may speak plain HTTP', () => {
    const request = facts({ host: 'localhost', peer: '127.0.0.1', headers: HTTP })

    expect(verdict({ dangerouslyAllowHttp: true, trustedProxies: ['loopback'] }, request)).toBe('loopback')
  })
})

describe('misuse', () => {
  test.each([
    [{ dangerouslyAllowHttp: 'false' }, /dangerouslyAllowHttp is not a boolean/],
    [{ trustedProxies: 'loopback' }, /trustedProxies is not a list/],
    [{ trustedProxies: ['proxy.internal'] }, /trustedProxies\[0\] is no IP address/],
    [{ trustedProxies: ['10.0.0.5', '10.0.0.0/33'] }, /trustedProxies\[1\] is no IP address/],
    [{ trustedProxies: [true] }, /trustedProxies\[0\] is no IP address/],
  ])('%j is refused at start-up', (options, sentence) => {
    expect(() => new Transport(options as TransportOptions)).toThrow(sentence)
  })
})

test('the error says which header was seen and what to configure, and nothing the client sent', () => {
  const request = facts({ host: 'evil.example', peer: '203.0.113.9', headers: { 'x-forwarded-proto': 'https-evil' } })
  const judged = new Transport({}).judge(request)

  const error = transportError(judged as Exclude<typeof judged, string>)

  expect(error).toMatchObject({ code: 'ERR_TRANSPORT_INSECURE', name: 'TransportError' })
  expect(error.message).toMatch(/X-Forwarded-Proto.*trustedProxies/)
  expect(error.message).not.toMatch(/evil|203\.0/)
})

test.each([
  ['localhost', 'localhost'],
  ['localhost:3000', 'localhost'],
  ['[::1]:3000', '[::1]'],
  ['[::1]', '[::1]'],
])('the host of %s is %s', (header, host) => {
  expect(withoutPort(header)).toBe(host)
})
