import { describe, expect, it } from 'vitest'
import { encodeRecord } from '../../src/core/record.ts'
import { rememberingDecoder } from '../../src/core/record-memo.ts'
import type { StoredRecord } from '../../src/core/store.ts'
import { RING, recordOf } from './support.ts'

const row = (changes: Partial<StoredRecord> = {}): StoredRecord => ({
  ...encodeRecord(recordOf(), RING),
  version: 1,
  epoch: 0,
  ...changes,
})
/** A decoder that remembers this row: it has seen it more than once. */
function knowing(known: StoredRecord) {
  const decode = rememberingDecoder(RING)
  decode(known)
  decode(known)
  return decode
}
const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

describe('rememberingDecoder', () => {
  it('a row that was good once and is damaged since is refused', () => {
    const good = row()
    const decode = knowing(good)
    const damaged = Array.from({ length: good.body.length }, (_, at) => decode({ ...good, body: flip(good.body, at) }))

    expect(damaged.every((one) => one === undefined)).toBe(true)
  })

  it('a row that comes again is decoded once more and then remembered', () => {
    const decode = rememberingDecoder(RING)
    const [first, second, third] = [decode(row()), decode(row()), decode(row())]

    expect([second === first, third === second]).toEqual([false, true])
  })

  it('a damaged row does not spoil the memory of the good one', () => {
    const decode = rememberingDecoder(RING)
    for (let i = 0; i < 3; i++) decode(row({ body: flip(row().body, 20) }))

    expect(decode(row())?.subject).toBe('ada')
  })

  it('a good row under another id is refused, known or not', () => {
    const decode = knowing(row())

    expect(decode(row({ id: `${'B'.repeat(21)}A` }))).toBeUndefined()
  })

  it('a good row whose subject was changed in its column is refused, known or not', () => {
    const decode = knowing(row())

    expect(decode(row({ subject: 'mallory' }))).toBeUndefined()
  })

  it('a newer version or epoch of the same row is seen', () => {
    const decode = knowing(row())

    expect([decode(row({ version: 2 }))?.version, decode(row({ epoch: 5 }))?.epoch]).toEqual([2, 5])
  })

  it('a change of the bytes that a client reuses does not change what was decoded', () => {
    const shared = Buffer.concat([Buffer.alloc(8), row().body, Buffer.alloc(8)])
    const view = shared.subarray(8, shared.length - 8)
    const decode = knowing(row({ body: view }))
    shared.fill(0)

    expect(decode(row())?.subject).toBe('ada')
  })

  it.each([undefined, null, '', 7, []])('what is no byte array is refused without throwing (%j)', (body) => {
    const decode = knowing(row())

    expect(decode(row({ body: body as never }))).toBeUndefined()
  })
})
