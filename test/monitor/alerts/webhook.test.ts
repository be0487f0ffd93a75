import { minutes, seconds } from 'sojourn'
import { alerts, webhook } from 'sojourn/monitor/alerts'
import { expect, it, onTestFinished, vi } from 'vitest'
import { setUp, thrownBy } from '../../core/support.ts'
import { isSignedWith, OLDER_SECRET, type Receiver, SECRET, startReceiver } from './receiver.ts'

const PATIENCE = { timeout: 10_000, interval: 20 }

async function alerted(secret: string | string[] = SECRET, options: { timeout?: number } = {}) {
  const receiver = await startReceiver()
  const service = setUp()
  const { sessions } = service
  const channel = webhook({ url: receiver.url, secret, dangerouslyAllowHttp: true, ...options })
  const alarm = alerts(sessions, { channels: { ops: channel } })
  onTestFinished(() => alarm.close({ timeout: 0 }))
  const steal = (subject = 'ada') =>
    sessions.events.emit({ type: 'session.reused', subject, sessionId: 'S', generation: 1, outcome: 'revoked' })
  const reached = (count: number) => expect.poll(() => receiver.received.length, PATIENCE).toBe(count)
  return { ...service, receiver, alarm, steal, reached }
}

/** Lets the pauses between tries pass, as far as the clock is concerned. */
async function untilReached(clock: { advance(by: number): unknown }, receiver: Receiver, count: number) {
  await expect
    .poll(() => {
      if (receiver.received.length < count) clock.advance(seconds(1))
      return receiver.received.length
    }, PATIENCE)
    .toBe(count)
}

it('is a POST of JSON that says which rule, about whom, and what happened', async () => {
  const { receiver, steal, reached, clock } = await alerted()

  steal()
  await reached(1)

  const [{ method, headers, body }] = receiver.received as [Receiver['received'][number]]
  expect([method, headers['content-type']]).toEqual(['POST', 'application/json'])
  expect(JSON.parse(body)).toEqual({
    type: 'sojourn.alert',
    timestamp: new Date(clock()).toISOString(),
    data: {
      id: headers['webhook-id'],
      rule: 'stolen-token',
      level: 'critical',
      event: 'session.reused',
      sentence: expect.stringContaining('copy'),
      subject: 'ada',
      sessionId: 'S',
      count: 1,
      firstAt: clock(),
      lastAt: clock(),
      isFollowUp: false,
      heldBack: 0,
    },
  })
})

it('is signed as Standard Webhooks says, with the instant of the try', async () => {
  const { receiver, steal, reached, clock } = await alerted()

  steal()
  await reached(1)

  const received = receiver.received[0]!
  expect(received.headers['webhook-id']).toMatch(/^alert_[A-Za-z0-9_-]{22}$/)
  expect(received.headers['webhook-timestamp']).toBe(String(clock() / 1000))
  expect(isSignedWith(SECRET, received)).toBe(true)
  expect(isSignedWith(OLDER_SECRET, received)).toBe(false)
  expect(isSignedWith(SECRET, { ...received, body: received.body.replace('ada', 'bob') })).toBe(false)
})

it('is signed with both secrets while receivers change to the new one', async () => {
  const { receiver, steal, reached } = await alerted([SECRET, OLDER_SECRET])

  steal()
  await reached(1)

  const received = receiver.received[0]!
  expect([isSignedWith(SECRET, received), isSignedWith(OLDER_SECRET, received)]).toEqual([true, true])
})

it('is tried again with the same id and a new timestamp until the receiver takes it', async () => {
  const { receiver, steal, clock, seen } = await alerted()
  receiver.answer = (response) => void response.writeHead(receiver.received.length < 3 ? 503 : 200).end()

  steal()
  await untilReached(clock, receiver, 3)

  const ids = new Set(receiver.received.map(({ headers }) => headers['webhook-id']))
  const times = new Set(receiver.received.map(({ headers }) => headers['webhook-timestamp']))
  expect([ids.size, times.size]).toEqual([1, 3])
  expect(receiver.received.every((received) => isSignedWith(SECRET, received))).toBe(true)
  await expect.poll(() => seen('alert.sent'), PATIENCE).toMatchObject([{ channel: 'ops', rule: 'stolen-token', attempts: 3 }])
})

it('waits as long as the receiver asks', async () => {
  const { receiver, steal, reached, clock, alarm } = await alerted()
  receiver.answer = (response) => void response.writeHead(429, { 'retry-after': '120' }).end()

  steal()
  await reached(1)
  clock.advance(seconds(119))
  // Nothing is to happen: longer than the half second after which clocks are looked at.
  await new Promise((resolve) => setTimeout(resolve, 700))
  const early = receiver.received.length
  receiver.answer = (response) => void response.writeHead(204).end()
  clock.advance(seconds(2))
  await reached(2)
  await alarm.drained()

  expect(early).toBe(1)
})

it('is given up after its time, and that is an event', async () => {
  const { receiver, steal, clock, seen } = await alerted()
  receiver.answer = (response) => void response.writeHead(500).end()

  steal()
  await expect
    .poll(async () => {
      clock.advance(minutes(10))
      return (await seen('alert.failed')).length
    }, PATIENCE)
    .toBe(1)

  const [event] = await seen('alert.failed')
  expect(event).toMatchObject({ channel: 'ops', rule: 'stolen-token', reason: 'status-500' })
})

it('follows no redirect', async () => {
  const { receiver, steal, reached } = await alerted()
  const elsewhere = await startReceiver()
  receiver.answer = (response) => void response.writeHead(307, { location: elsewhere.url }).end()

  steal()
  await reached(1)
  await new Promise((resolve) => setTimeout(resolve, 100))

  expect(elsewhere.received).toEqual([])
})

it('sends nothing more to a receiver that is gone', async () => {
  const { receiver, steal, reached, seen, alarm } = await alerted()
  receiver.answer = (response) => void response.writeHead(410).end()

  steal()
  await reached(1)
  await expect.poll(() => seen('alert.failed'), PATIENCE).toMatchObject([{ reason: 'status-410', attempts: 1 }])
  steal('bob')
  await alarm.drained()

  expect(receiver.received).toHaveLength(1)
  expect(alarm.status()).toEqual({ ops: { waiting: 0, dropped: 1, isGone: true } })
})

it('does not wait for a receiver that never answers', async () => {
  const { receiver, steal, clock, seen } = await alerted(SECRET, { timeout: 100 })
  receiver.answer = () => {}

  steal()
  await expect
    .poll(async () => {
      clock.advance(minutes(30))
      return seen('alert.failed')
    }, PATIENCE)
    .toMatchObject([{ reason: 'timeout', attempts: 3 }])
})

it('takes an endless answer for an answer', async () => {
  const { receiver, steal, seen } = await alerted()
  receiver.answer = (response) => {
    response.writeHead(200)
    const timer = setInterval(() => response.write('x'.repeat(1000)), 1)
    response.on('close', () => clearInterval(timer))
  }

  steal()

  await expect.poll(() => seen('alert.sent'), PATIENCE).toHaveLength(1)
})

it.each([
  ['plain HTTP', { url: 'http://hooks.example/', secret: SECRET }],
  ['plain HTTP elsewhere than here', { url: 'http://hooks.example/', secret: SECRET, dangerouslyAllowHttp: true }],
  [
    'a host that only begins like loopback',
    { url: 'http://127.0.0.1.evil.example/', secret: SECRET, dangerouslyAllowHttp: true },
  ],
  ['a user in the address', { url: 'https://a:b@hooks.example/', secret: SECRET }],
  ['a fragment', { url: 'https://hooks.example/#x', secret: SECRET }],
  ['no address', { url: 'hooks', secret: SECRET }],
  ['no secret', { url: 'https://hooks.example/' }],
  ['a phrase for a secret', { url: 'https://hooks.example/', secret: 'whsec_correct horse battery staple' }],
  [
    'a short secret',
    { url: 'https://hooks.example/', secret: `whsec_${Buffer.alloc(23, 'abcdefghijklmnop').toString('base64')}` },
  ],
  ['one byte again and again', { url: 'https://hooks.example/', secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }],
  ['three secrets', { url: 'https://hooks.example/', secret: [SECRET, OLDER_SECRET, SECRET] }],
  ['a timeout of a day', { url: 'https://hooks.example/', secret: SECRET, timeout: 86_400_000 }],
  ['an option there is not', { url: 'https://hooks.example/', secret: SECRET, secrets: [SECRET] }],
])('%s is refused at start-up, in words that hold no secret', (_, options) => {
  const error = thrownBy(() => webhook(options as never))

  expect(error.code).toBe('ERR_CONFIG_INVALID')
  expect(error.message).not.toContain(SECRET.slice(6, 20))
})

it('plain HTTP to this machine is reported', async () => {
  const { seen } = await alerted()

  expect(await seen('safety.lowered')).toMatchObject([{ option: 'alerts.ops.dangerouslyAllowHttp' }])
})

it('uses the fetch it is given', async () => {
  const fetch = vi.fn(async () => new Response(null, { status: 200 }))
  const { sessions } = setUp()
  const alarm = alerts(sessions, { channels: { ops: webhook({ url: 'https://hooks.example/', secret: SECRET, fetch }) } })

  sessions.events.emit({ type: 'store.circuit-opened', failures: 5, pause: 1000 })
  await alarm.drained()

  expect(fetch).toHaveBeenCalledExactlyOnceWith('https://hooks.example/', expect.objectContaining({ redirect: 'manual' }))
})
