// What connections read from: bounded, in order, and honest about what it no longer knows.
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { fakeClock } from '../../../src/testing/fake-clock.ts'
import { Connection } from '../../../src/tokens/feed/connection.ts'
import { FeedLog } from '../../../src/tokens/feed/log.ts'

const session = (n: number) => ({ kind: 'session', sessionId: String(n).padStart(22, 'A') }) as const

function setUp(most = 100) {
  const clock = fakeClock()
  const log = new FeedLog('nonce123', clock, minutes(6), most)
  const connect = (lastEventId?: string) =>
    new Connection({
      log,
      clock,
      lastEventId,
      beat: 30_000,
      settled: async () => clock(),
      signal: new AbortController().signal,
      over: () => {},
    })
  return { clock, log, connect }
}

it('what does not fit any more is forgotten, and new connections know that they know less', () => {
  const { clock, log } = setUp(10)
  const before = log.since
  for (let i = 0; i < 15; i++) {
    clock.advance(seconds(1))
    log.tell(session(i))
  }

  // The fifth was the last to go.
  expect([before, log.since]).toEqual([clock() - seconds(13), clock() - seconds(10) + seconds(2)])
  expect(log.piece(log.oldest)!.text.match(/event: session/g)).toHaveLength(10)
})

it('what was forgotten can be told again', () => {
  const { log } = setUp(2)
  for (const n of [1, 2, 3, 1]) log.tell(session(n))

  expect(log.piece(log.oldest)!.text).toContain(session(1).sessionId)
})

it('a connection that reads too slowly for it is ended, and costs nothing meanwhile', async () => {
  const { log, connect } = setUp(300)
  const slow = connect()
  await slow.next()
  for (let i = 0; i < 301; i++) log.tell(session(i))

  expect(await slow.next()).toEqual({ done: true, value: undefined })
})

it('long backlogs come in pieces, in order and complete', async () => {
  const { log, connect } = setUp(1000)
  for (let i = 0; i < 1000; i++) log.tell(session(i))
  const reading = connect()
  let text = ''
  while (!text.includes('event: ready')) text += (await reading.next()).value
  await reading.return()
  const told = [...text.matchAll(/"sid":"A*(\d+)"/g)].map(([, n]) => Number(n))

  expect(told).toEqual(Array.from({ length: 1000 }, (_, i) => i))
})

it('numbers go on, however much is let go of', () => {
  const { clock, log } = setUp(100_000)
  for (let i = 0; i < 10_000; i++) log.tell(session(i))
  clock.advance(minutes(7))
  log.trim()
  log.tell(session(10_000))

  expect([log.oldest, log.next, log.piece(log.oldest)!.text.slice(0, 19)]).toEqual([10_001, 10_002, 'id: nonce123-10001\n'])
})

it('of a doubt older than any token nobody hears', () => {
  const { clock, log } = setUp()
  log.tell({ kind: 'doubt', sessionId: session(1).sessionId, at: clock() - minutes(7) })

  expect(log.next).toBe(1)
})

it('of an ended session no doubt is told', () => {
  const { clock, log } = setUp()
  log.tell(session(1))
  log.tell({ kind: 'doubt', sessionId: session(1).sessionId, at: clock() })

  expect(log.next).toBe(2)
})

it('a clock that is turned back makes nothing known that is not', () => {
  const { clock, log } = setUp()
  const before = log.since
  clock.advance(-minutes(10))
  log.gap()

  expect(log.since).toBe(before)
})

it('of what a clock let go of that was ahead, new connections know that they are not told', () => {
  const { clock, log } = setUp()
  clock.advance(seconds(10))
  log.tell(session(1))
  const endedAt = clock()
  clock.advance(minutes(10))
  log.trim()
  clock.advance(-minutes(10))

  expect([log.oldest, log.since]).toEqual([log.next, endedAt + seconds(2)])
})
