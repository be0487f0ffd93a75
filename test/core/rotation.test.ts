import { describe, expect, it } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { seconds } from '../../src/core/duration.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { MOST_GENERATIONS, type SessionRecord, withChanges } from '../../src/core/record.ts'
import { firstUse, judgeSecret, rotateRecord } from '../../src/core/rotation.ts'
import { FOREIGN_KEY, KEY, policyOf, RING, recordOf } from './support.ts'

const policy = policyOf()
const start = 1_000_000
const tools = (now: number) => ({ keyring: RING, random: pooledRandom(), now, policy })
const first: Buffer = Buffer.alloc(32, 1)

function renew(record: SessionRecord, secret: Buffer, now: number) {
  const rotated = rotateRecord(record, { kind: 'renewal', currentSecret: secret }, tools(now))!
  return { record: withChanges(record, rotated.changes), secret: rotated.secret }
}
const confirm = (record: SessionRecord, now: number) => withChanges(record, { confirmedAt: now })

describe('judgeSecret', () => {
  it('the current secret is current', () => {
    expect(judgeSecret(recordOf(), first, RING, start, policy)).toEqual({ kind: 'current' })
  })

  it('any other secret under a valid MAC is reuse', () => {
    expect(judgeSecret(recordOf(), Buffer.alloc(32, 2), RING, start, policy)).toEqual({ kind: 'reused', generation: 1 })
  })

  it('a secret of another length is reuse, not an error', () => {
    expect(judgeSecret(recordOf(), Buffer.alloc(0), RING, start, policy).kind).toBe('reused')
  })

  it('a predecessor whose successor nobody used gets that successor again', () => {
    const renewed = renew(recordOf(), first, start)

    expect(judgeSecret(renewed.record, first, RING, start + seconds(3600), policy)).toMatchObject({
      kind: 'predecessor',
      successorSecret: renewed.secret,
    })
  })

  it('the successor is derived along a chain of renewals', () => {
    const once = renew(recordOf(), first, start)
    const twice = renew(once.record, once.secret, start)

    expect(judgeSecret(twice.record, first, RING, start, policy)).toMatchObject({ successorSecret: twice.secret })
  })

  it('once the successor was used, the predecessor gets nothing and has the grace', () => {
    const { record } = renew(recordOf(), first, start)

    expect(judgeSecret(confirm(record, start), first, RING, start + seconds(30) - 1, policy)).toMatchObject({
      kind: 'predecessor',
      successorSecret: undefined,
    })
  })

  it('after the grace it is reuse', () => {
    const { record } = renew(recordOf(), first, start)

    expect(judgeSecret(confirm(record, start), first, RING, start + seconds(30), policy)).toEqual({
      kind: 'reused',
      generation: 1,
    })
  })

  it('a later token that was used counts, even when the direct successor was lost', () => {
    const once = renew(recordOf(), first, start)
    const twice = renew(once.record, once.secret, start)

    expect(judgeSecret(confirm(twice.record, start), first, RING, start + seconds(30), policy).kind).toBe('reused')
  })

  it('without the key that made the step, the successor cannot be derived', () => {
    const { record } = renew(recordOf(), first, start)

    expect(judgeSecret(record, first, createKeyring(FOREIGN_KEY), start, policy)).toMatchObject({ successorSecret: undefined })
  })

  it('with that key further down the ring, it can', () => {
    const { record, secret } = renew(recordOf(), first, start)

    expect(judgeSecret(record, first, createKeyring([FOREIGN_KEY, KEY]), start, policy)).toMatchObject({
      successorSecret: secret,
    })
  })
})

describe('rotateRecord', () => {
  it('the successor is not to be computed from what the store keeps', () => {
    const { record, secret } = renew(recordOf(), first, start)
    const kept = record.lineage.flatMap(({ hash, salt }) => [hash, salt])

    expect([...kept, record.currentHash].some((bytes) => bytes.equals(secret))).toBe(false)
  })

  it('two renewals of one token differ: each has a salt of its own', () => {
    expect(renew(recordOf(), first, start).secret.equals(renew(recordOf(), first, start).secret)).toBe(false)
  })

  it('the successor of an elevation is random: the same step by another service gives another', () => {
    const elevate = () => rotateRecord(recordOf(), { kind: 'elevation' }, tools(start))!.secret

    expect(elevate().equals(elevate())).toBe(false)
  })

  it('an elevation keeps what could be done before', () => {
    const rotated = rotateRecord(recordOf(), { kind: 'elevation' }, tools(start))!
    const record = withChanges(recordOf(), rotated.changes)

    expect(judgeSecret(record, first, RING, start, policy)).toMatchObject({
      isBeforeElevation: true,
      facts: recordOf().details.facts,
      successorSecret: undefined,
    })
  })

  it('the lineage stays bounded', () => {
    let state = { record: recordOf(), secret: first }
    for (let i = 1; i < 20; i++)
      state = renew(confirm(state.record, start + i * seconds(60)), state.secret, start + i * seconds(60))

    expect(state.record.lineage.length).toBe(MOST_GENERATIONS)
  })

  it('refuses to forget a token that may still come back', () => {
    let { record, secret } = { record: recordOf(), secret: first }
    for (let i = 0; i < MOST_GENERATIONS; i++) ({ record, secret } = renew(record, secret, start))

    expect(rotateRecord(record, { kind: 'renewal', currentSecret: secret }, tools(start))).toBeUndefined()
  })
})

describe('firstUse', () => {
  it('the first token of a session needs no confirmation', () => {
    expect(firstUse(recordOf(), { kind: 'current' }, { secret: first }, start)).toBeUndefined()
  })

  it('a renewed token is confirmed by its first use, once', () => {
    const { record, secret } = renew(recordOf(), first, start)

    expect(firstUse(record, { kind: 'current' }, { secret }, start + 5)).toEqual({ confirmedAt: start + 5 })
    expect(firstUse(confirm(record, start), { kind: 'current' }, { secret }, start + 5)).toBeUndefined()
  })
})
