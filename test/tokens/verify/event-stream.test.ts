import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { eventsIn } from '../../../src/tokens/verify/event-stream.ts'

async function read(pieces: readonly (string | Uint8Array)[]) {
  async function* bytes() {
    for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece
  }
  const events: unknown[] = []
  for await (const event of eventsIn(bytes())) events.push(event)
  return events
}

describe('events', () => {
  const cases: readonly (readonly [string, string, readonly object[]])[] = [
    ['a name, data and an id', 'id: p-1\nevent: beat\ndata: {}\n\n', [{ event: 'beat', data: '{}', id: 'p-1' }]],
    ['no name', 'data: x\n\n', [{ event: 'message', data: 'x', id: '' }]],
    ['data in lines', 'data: x\ndata\ndata:y\n\n', [{ event: 'message', data: 'x\n\ny', id: '' }]],
    ['one blank after the colon', 'data:  x\n\n', [{ event: 'message', data: ' x', id: '' }]],
    ['no data', 'event: beat\n\n', []],
    ['comments', ': hello\ndata: x\n: bye\n\n', [{ event: 'message', data: 'x', id: '' }]],
    ['unknown fields', 'retry: 1000\nother: y\ndata: x\n\n', [{ event: 'message', data: 'x', id: '' }]],
    ['CR alone', 'data: x\r\r', [{ event: 'message', data: 'x', id: '' }]],
    ['CR and LF', 'data: x\r\n\r\n', [{ event: 'message', data: 'x', id: '' }]],
    ['a byte order mark', '\u{feff}data: x\n\n', [{ event: 'message', data: 'x', id: '' }]],
    ['no end', 'data: x\n', []],
    ['an id that cannot go back', 'id: p\u0000\ndata: x\n\n', [{ event: 'message', data: 'x', id: '' }]],
    [
      'an id that stays',
      'id: p-1\ndata: x\n\ndata: y\n\n',
      [
        { event: 'message', data: 'x', id: 'p-1' },
        { event: 'message', data: 'y', id: 'p-1' },
      ],
    ],
  ]
  it.each(cases)('%s', async (_, text, events) => {
    expect(await read([text])).toEqual(events)
  })
})

test('however a stream is cut into pieces, it says the same', async () => {
  const text = 'id: 1\r\nevent: session\r\ndata: {"sid":"é"}\r\n\r\ndata: a\rdata: b\n\r\n: c\n\ndata: z\n\n'
  const bytes = Buffer.from(text)
  const whole = await read([bytes])

  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 })), async (cuts) => {
      const ends = [...cuts.sort((a, b) => a - b), bytes.length]
      expect(await read(ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1]!, end)))).toEqual(whole)
    }),
  )
})

test.each([
  ['a line without end', ['data: ', ...Array.from({ length: 10 }, () => 'x'.repeat(1000))]],
  ['a line that is too long', [`data: ${'x'.repeat(5000)}\n`]],
  ['data without end', Array.from({ length: 10 }, () => `data: ${'x'.repeat(1000)}\n`)],
])('%s ends the stream', async (_, pieces) => {
  await expect(read(pieces)).rejects.toThrow(RangeError)
})
