import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { minutes } from 'sojourn'
import type { Access, TokenVerifier } from 'sojourn/tokens/verify'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { startIssuer, verifierOf } from './support.ts'

/** A service on a real server; what it is sent goes over the wire as it is written here. */
async function serviceOf(verifier: TokenVerifier) {
  let judged: Promise<Access> | undefined
  const server = createServer((request: IncomingMessage, response) => {
    judged = verifier.node(request)
    judged.then((access) => {
      if (access.state === 'refused') response.writeHead(access.status, access.headers).end()
      else response.end(access.subject)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return async (lines: readonly string[], requestLine = 'GET /things HTTP/1.1', body = '') => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`${[requestLine, 'Host: api.example', 'Connection: close', ...lines].join('\r\n')}\r\n\r\n${body}`)
    let answer = ''
    for await (const piece of socket) answer += piece
    const challenge = /^www-authenticate: (.*)$/im.exec(answer)?.[1]?.trim()
    return { status: Number(answer.split(' ')[1]), challenge, answer, access: await judged! }
  }
}

describe('on Node', () => {
  it('takes Bearer in any case and refuses what else Authorization may hold', async () => {
    const issuer = await startIssuer()
    const token = await issuer.mint()
    const send = await serviceOf(verifierOf(issuer).verifier)
    const statuses: unknown[] = []

    for (const value of [
      `Bearer ${token}`,
      `bearer  ${token}`,
      `BEARER ${token}`,
      `Bearer ${token} `,
      'Basic YTpi',
      'Negotiate',
      'Bearer',
      'Bearer ',
      `Bearer ${token} x`,
      `Bearer "${token}"`,
      `Bearer ${token},Bearer ${token}`,
      `Bearer ${token}, DPoP ${token}`,
      `Bearerx ${token}`,
    ])
      statuses.push((await send([`Authorization: ${value}`])).status)

    expect(statuses).toEqual([200, 200, 200, 200, 401, 401, 400, 400, 400, 400, 400, 400, 401])
  })

  it('refuses a second Authorization header, which Node would drop', async () => {
    const issuer = await startIssuer()
    const token = await issuer.mint()
    const send = await serviceOf(verifierOf(issuer).verifier)

    for (const second of [`Bearer ${token}`, `DPoP ${token}`, 'Basic YTpi']) {
      const { status, challenge } = await send([`Authorization: Bearer ${token}`, `AUTHORIZATION: ${second}`])
      expect([status, challenge]).toEqual([400, expect.stringContaining('Bearer error="invalid_request"')])
    }
  })

  it('never looks for a token in the URL or the body', async () => {
    const issuer = await startIssuer()
    const token = await issuer.mint()
    const { verifier, called } = verifierOf(issuer)
    const send = await serviceOf(verifier)

    const inUrl = await send([], `GET /things?access_token=${token} HTTP/1.1`)
    const body = `access_token=${token}`
    const inBody = await send(
      ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`],
      'POST /things HTTP/1.1',
      body,
    )

    expect([inUrl.status, inBody.status]).toEqual([401, 401])
    expect(called).toEqual([])
  })

  it('tells those without a token how, and of no error', async () => {
    const issuer = await startIssuer()
    const send = await serviceOf(verifierOf(issuer, { dpop: 'off' }).verifier)

    const { status, challenge, answer } = await send([])

    expect([status, challenge]).toEqual([401, 'Bearer'])
    expect(answer).toMatch(/cache-control: no-store/i)
  })
})

test('on Web requests two headers are seen as one, and refused', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)
  const token = await issuer.mint()
  const requestOf = (...values: string[]) => {
    const headers = new Headers()
    for (const value of values) headers.append('Authorization', value)
    return new Request('https://api.example/things', { headers })
  }

  const one = await verifier.web(requestOf(`Bearer ${token}`))
  const two = await verifier.web(requestOf(`Bearer ${token}`, `Bearer ${token}`))
  const mixed = await verifier.web(requestOf(`Basic YTpi`, `Bearer ${token}`))
  const none = await verifier.web(requestOf())

  expect([one, two, mixed, none].map((access) => (access.state === 'active' ? 200 : access.status))).toEqual([200, 400, 400, 401])
  if (two.state !== 'refused') throw new Error('served')
  expect(new Response(null, two).headers.get('www-authenticate')).toContain('invalid_request')
})

describe('more than a good token', () => {
  it('a scope that every token needs is asked for with 403', async () => {
    const issuer = await startIssuer()
    const send = await serviceOf(verifierOf(issuer, { requiredScopes: ['read', 'pay'], dpop: 'off' }).verifier)

    const { status, challenge } = await send([`Authorization: Bearer ${await issuer.mint()}`])

    expect([status, challenge]).toEqual([403, 'Bearer error="insufficient_scope", scope="read pay"'])
  })

  it('a level or an age that is missing is asked for by the challenge of RFC 9470', async () => {
    const issuer = await startIssuer()
    const { verifier } = verifierOf(issuer, { dpop: 'off' })
    const authenticatedAt = issuer.clock() / 1000 - 300
    const access = await verifier.verify(await issuer.mint({ acr: 'aal2', auth_time: authenticatedAt }))
    if (access.state !== 'active') throw new Error('refused')

    expect(access.missing({ acr: 'aal2', maxAge: minutes(5) })).toBeUndefined()
    expect(access.missing({ acr: 'aal1' })).toBeUndefined()
    expect(access.missing({ acr: 'aal3' })?.headers['WWW-Authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="aal3"',
    )
    expect(access.missing({ acr: 'aal2', maxAge: minutes(5) - 1 })).toMatchObject({
      status: 401,
      headers: { 'WWW-Authenticate': 'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="299"' },
    })
    issuer.clock.advance(1)
    expect(access.missing({ maxAge: minutes(5) })?.error).toBe('insufficient_user_authentication')
    expect(access.missing({ maxAge: Number.NaN })?.status).toBe(401)
    expect(access.missing({ scopes: ['pay'] })?.status).toBe(403)
    expect(() => access.missing({ acr: 'aa12' as never })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  it.each([{ acr: undefined }, { acr: 'urn:other' }, { acr: '' }])('a token with %j has no level', async (changes) => {
    const issuer = await startIssuer()
    const access = await verifierOf(issuer).verifier.verify(await issuer.mint(changes))
    if (access.state !== 'active') throw new Error('refused')

    expect(access.missing({ acr: 'aal1' })?.status).toBe(401)
  })

  it('a token that does not say when its person proved who they are is too old for any age', async () => {
    const issuer = await startIssuer()
    const access = await verifierOf(issuer).verifier.verify(await issuer.mint({ auth_time: undefined }))
    if (access.state !== 'active') throw new Error('refused')

    expect(access.missing({ maxAge: minutes(5) })?.status).toBe(401)
  })
})
