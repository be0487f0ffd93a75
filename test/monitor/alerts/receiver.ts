/** A receiver of webhooks on real HTTP that keeps what came, and checks signatures by the words of Standard Webhooks 1.0.0 alone. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Alert } from 'sojourn/monitor/alerts'
import { onTestFinished } from 'vitest'

/** Random once; nothing real was ever signed with them. */
export const SECRET = 'whsec_mF1yqQkVwUq0lqVqXo1lTz8v3n2c4Z1sYb7eJ6aH5gE='
export const OLDER_SECRET = 'whsec_kP0hS2nYx7RfWc5oVq9uTz1bLmE8aGdJ3iK4sQ6vXyA='

export interface Received {
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver {
  readonly url: string
  readonly received: Received[]
  readonly alerts: Alert[]
  /** What it answers with. Default: 204. */
  answer: (response: ServerResponse) => void
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const receiver = {
    url: '',
    received,
    get alerts() {
      return received.map(({ body }) => (JSON.parse(body) as { data: Alert }).data)
    },
    answer: (response: ServerResponse) => void response.writeHead(204).end(),
  }
  const server = createServer(async (request, response) => {
    response.on('error', () => {})
    let body = ''
    for await (const chunk of request) body += String(chunk)
    received.push({ method: request.method, headers: request.headers, body })
    receiver.answer(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return receiver
}

/** "The content to be signed is therefore: `{msg_id}.{timestamp}.{payload}`." */
export function isSignedWith(secret: string, { headers, body }: Received): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers
  const secretKey = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const expected = createHmac('sha256', secretKey).update(`${id}.${timestamp}.${body}`).digest('base64')
  return String(signatures).split(' ').includes(`v1,${expected}`)
}
