// What processes tell each other of ends: nothing is lost unnoticed, and nothing a stranger writes does harm.
import { describe, expect, it, vi } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { Channel } from '../../../src/core/store.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { fakeClock } from '../../../src/testing/fake-clock.ts'
import type { Ended } from '../../../src/tokens/feed/log.ts'
import { messageText, parseMessage, TOPIC } from '../../../src/tokens/feed/messages.ts'
import { receive } from '../../../src/tokens/feed/receiving.ts'
import { Sending } from '../../../src/tokens/feed/sending.ts'

const session = (n: number): Ended => ({ kind: 'session', sessionId: `${String(n).padStart(21, 'A')}A` })

async function hearing(channel: Channel, since = 0) {
  const heard: Ended[] = []
  let lost = 0
  const ended = (one: Ended) => heard.push(one)
  await receive(channel, { sender: 'ourselves', since: () => since, ended, lost: () => lost++ })
  return { heard, lost: () => lost }
}
const publish = (channel: Channel, sender: string, number: number, previousAt = 0) =>
  channel.publish(TOPIC, messageText({ sender, number, previousAt, ended: [session(number)] }))

describe('a message', () => {
  it('with as many ends as it may have fits the channel, and is read as it was written', () => {
    const subject: Ended = { kind: 'subject', subjectKey: 'x'.repeat(43), at: Number.MAX_SAFE_INTEGER }
    const message = {
      sender: 'x'.repeat(12),
      number: 2 ** 40,
      previousAt: 2 ** 45,
      ended: Array.from({ length: 50 }, () => subject),
    }

    expect(Buffer.byteLength(messageText(message))).toBeLessThanOrEqual(4096)
    expect(parseMessage(messageText(message))).toEqual(message)
  })

  it.each([
    '',
    'x',
    'null',
    '[]',
    '{}',
    '[1,2,3,4]',
    '["short",1,0,[]]',
    '["longenough",1.5,0,[]]',
    '["longenough",1,0,{}]',
    '["longenough",1,"0",[]]',
  ])('that is none is passed over (%s)', (text) => {
    expect(parseMessage(text)).toBeUndefined()
  })

  it.each([
    [['s', '../../etc']],
    [['s', 42]],
    [['u', 'short', 1]],
    [['u', 'x'.repeat(43), '1']],
    [['d', 'A'.repeat(22), null]],
    [['t', 'with blank and\nnewline']],
    [['t', 'x'.repeat(65)]],
    [['q', 'A'.repeat(22)]],
    ['s'],
    [null],
  ])('with an entry that is none loses that entry alone (%j)', (entry) => {
    const text = JSON.stringify(['longenough', 1, 0, [entry, ['s', 'A'.repeat(22)]]])

    expect(parseMessage(text)!.ended).toEqual([{ kind: 'session', sessionId: 'A'.repeat(22) }])
  })
})

describe('whoever listens', () => {
  it('notices a message that was lost', async () => {
    const { channel } = memoryStore()
    const { heard, lost } = await hearing(channel)
    await publish(channel, 'process-a', 1)
    await publish(channel, 'process-b', 1)
    await publish(channel, 'process-a', 2)
    const before = lost()
    await publish(channel, 'process-a', 4)

    expect([before, lost(), heard.length]).toEqual([0, 1, 4])
  })

  it('notices that the first message it hears is not the first since it listens', async () => {
    const { channel } = memoryStore()
    const { lost } = await hearing(channel, 1000)
    await publish(channel, 'process-a', 7, 999)
    const before = lost()
    await publish(channel, 'process-b', 7, 1001)

    expect([before, lost()]).toEqual([0, 1])
  })

  it('takes a message that came twice for one', async () => {
    const { channel } = memoryStore()
    const { lost } = await hearing(channel)
    for (const number of [1, 2, 2, 1, 3]) await publish(channel, 'process-a', number)

    expect(lost()).toBe(0)
  })
})

describe('a process that sends', () => {
  it('tells what ends together in one message', async () => {
    const { channel } = memoryStore()
    const texts: string[] = []
    await channel.subscribe(TOPIC, (text) => texts.push(text))
    const sending = new Sending('process-a', channel, fakeClock())
    for (let i = 0; i < 120; i++) sending.add(session(i))
    await sending.close()

    expect(texts.map((text) => parseMessage(text)!.ended.length)).toEqual([50, 50, 20])
  })

  it('tells later what it cannot tell now, and is heard once and completely', async () => {
    const { channel } = memoryStore()
    const { heard, lost } = await hearing(channel)
    let failures = 3
    const flaky: Channel = {
      ...channel,
      async publish(topic, message) {
        await channel.publish(topic, message)
        // It arrived, and the answer did not.
        if (failures-- > 0) throw new Error('away')
      },
      subscribe: (topic, listener) => channel.subscribe(topic, listener),
    }
    const sending = new Sending('process-a', flaky, fakeClock())
    for (let i = 0; i < 3; i++) sending.add(session(i))
    await vi.waitFor(() => expect(failures).toBeLessThan(0), { timeout: 10_000 })
    await sending.close()

    expect(new Set(heard.map((one) => JSON.stringify(one))).size).toBe(3)
    expect(lost()).toBe(0)
  })

  it('that had to give something up says by the number that something is missing', async () => {
    const { channel } = memoryStore()
    const { lost } = await hearing(channel)
    let isAway = true
    const flaky: Channel = {
      publish: async (topic, message) => {
        if (isAway) throw new Error('away')
        await channel.publish(topic, message)
      },
      subscribe: (topic, listener) => channel.subscribe(topic, listener),
    }
    const sending = new Sending('process-a', flaky, fakeClock())
    for (let i = 0; i < 100_001; i++) sending.add(session(i))
    isAway = false
    await sending.close()

    expect(lost()).toBe(1)
  })

  it('on a store without a channel gives up at once', async () => {
    let calls = 0
    const none: Channel = {
      async publish() {
        calls++
        throw new StoreError('none', { code: 'ERR_STORE_UNSUPPORTED', status: 501 })
      },
      subscribe: async () => async () => {},
    }
    const sending = new Sending('process-a', none, fakeClock())
    sending.add(session(1))
    await vi.waitFor(() => expect(calls).toBe(1))
    await new Promise((resolve) => setImmediate(resolve))
    sending.add(session(2))
    await sending.close()

    expect(calls).toBe(1)
  })
})
