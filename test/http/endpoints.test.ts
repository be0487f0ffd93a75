/** How endpoints of programs take what they are sent: bodies that are too long, cut off, or read by somebody in front. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express from 'express'
import { afterEach, expect, it } from 'vitest'
import { endpointsOf, jsonAnswer } from '../../src/http/endpoints.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

function echo() {
  const warnings: Error[] = []
  const seen: (string | undefined)[] = []
  const { node } = endpointsOf(
    new Map([
      [
        '/echo',
        {
          methods: ['POST'] as const,
          async answer(request) {
            const form = await request.form()
            seen.push(form?.toString())
            return jsonAnswer(form === undefined ? 400 : 200, { form: form?.toString() })
          },
        },
      ],
    ]),
    { dangerouslyAllowHttp: true },
    (error) => warnings.push(error),
  )
  return { node, warnings, seen }
}

async function serve(listener: Parameters<typeof createServer>[1]) {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, url: `http://127.0.0.1:${port}/echo` }
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

it.each([65_537, 2_000_000])('a body of %i bytes is answered 400, and the connection is not torn', async (length) => {
  const { node, warnings } = echo()
  const { url } = await serve((request, response) => void node(request, response))
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(url, { method: 'POST', headers: FORM, body: 'a'.repeat(length) })
    expect(answer.status).toBe(400)
    await answer.text()
  }
  expect(warnings).toEqual([])
})

it('a client that leaves in the middle of its body is no mistake of anybody here', async () => {
  const { node, warnings, seen } = echo()
  const { port } = await serve((request, response) => void node(request, response))
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntoken=',
  )
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  await expect.poll(() => seen.length).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(seen).toEqual([undefined])
  expect(warnings).toEqual([])
})

it.each([
  ['text', express.text({ type: '*/*' })],
  ['raw', express.raw({ type: '*/*' })],
  ['urlencoded', express.urlencoded({ extended: true })],
  ['urlencoded, plain', express.urlencoded({ extended: false })],
  ['json', express.json()],
])('the form is read behind express.%s', async (_name, parser) => {
  const { node } = echo()
  const app = express().use(parser).use(node)
  const { url } = await serve(app)
  const answer = await fetch(url, { method: 'POST', headers: FORM, body: 'token=a%20b&client_id=x' })
  expect(await answer.json()).toEqual({ form: 'token=a+b&client_id=x' })
})

it('a body that somebody read and kept is none, and nobody waits for it', async () => {
  const { node } = echo()
  const { url } = await serve(async (request: IncomingMessage, response) => {
    for await (const _ of request);
    node(request, response)
  })
  const answer = await fetch(url, { method: 'POST', headers: FORM, body: 'token=a' })
  expect(answer.status).toBe(400)
})
