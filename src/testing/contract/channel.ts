import { eventually, isEqual, rejects } from '../assert.ts'
import { isUnsupported } from './capabilities.ts'
import { type Rule, someId } from './harness.ts'

const someTopic = () => `contract:${someId()}`

/** Long enough for a message on its way to arrive, where one must not. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 150))

/** For a store that has no channel: nobody must wait for messages that cannot come. */
export function noChannelRules(rule: Rule): void {
  rule('a store without a channel says so to publishers and subscribers', async ({ store }) => {
    const { channel } = store

    isUnsupported(await rejects(channel.publish(someTopic(), 'hello'), 'publish'), 'publish')
    isUnsupported(
      await rejects(
        channel.subscribe(someTopic(), () => {}),
        'subscribe',
      ),
      'subscribe',
    )
  })
}

export function channelRules(rule: Rule): void {
  rule('a message reaches a subscriber in the publisher’s own process', async ({ store }) => {
    const topic = someTopic()
    const heard: string[] = []
    const unsubscribe = await store.channel.subscribe(topic, (message) => heard.push(message))

    await store.channel.publish(topic, 'hello')

    await eventually(() => heard.length > 0, 'the message arrives')
    await settle()
    await unsubscribe()
    isEqual(heard, ['hello'], 'what was heard, once')
  })

  rule('a message reaches a subscriber of another handle', async ({ store, second }) => {
    const topic = someTopic()
    const heard: string[] = []
    const unsubscribe = await second.channel.subscribe(topic, (message) => heard.push(message))

    await store.channel.publish(topic, 'hello')

    await eventually(() => heard.length > 0, 'the message arrives')
    await settle()
    await unsubscribe()
    isEqual(heard, ['hello'], 'what was heard, once')
  })

  rule('messages of one publisher arrive in order', async ({ store, second }) => {
    const topic = someTopic()
    const heard: string[] = []
    const unsubscribe = await second.channel.subscribe(topic, (message) => heard.push(message))

    for (const message of ['1', '2', '3', '4', '5']) await store.channel.publish(topic, message)

    await eventually(() => heard.length === 5, 'the messages arrive')
    await unsubscribe()
    isEqual(heard, ['1', '2', '3', '4', '5'], 'what was heard')
  })

  rule('every subscriber of a topic hears, and none of another topic', async ({ store }) => {
    const topic = someTopic()
    const heard: string[] = []
    const unsubscribers = [
      await store.channel.subscribe(topic, () => heard.push('first')),
      await store.channel.subscribe(topic, () => heard.push('second')),
      await store.channel.subscribe(someTopic(), () => heard.push('stranger')),
    ]

    await store.channel.publish(topic, 'hello')

    await eventually(() => heard.length >= 2, 'the message arrives')
    await settle()
    for (const unsubscribe of unsubscribers) await unsubscribe()
    isEqual(heard.sort(), ['first', 'second'], 'who heard')
  })

  rule('a message that nobody listens to is no fault', async ({ store }) => {
    await store.channel.publish(someTopic(), 'hello')
  })

  rule('who subscribes later hears nothing of earlier messages', async ({ store, second }) => {
    const topic = someTopic()
    const heard: string[] = []
    await store.channel.publish(topic, 'early')

    const unsubscribe = await second.channel.subscribe(topic, (message) => heard.push(message))
    await settle()
    await unsubscribe()

    isEqual(heard, [], 'what was heard')
  })

  rule('who has left hears nothing more, and may leave twice', async ({ store }) => {
    const topic = someTopic()
    const heard: string[] = []
    const unsubscribe = await store.channel.subscribe(topic, (message) => heard.push(message))
    await unsubscribe()
    await unsubscribe()

    await store.channel.publish(topic, 'late')
    await settle()

    isEqual(heard, [], 'what was heard')
  })

  rule('a listener that throws harms neither the publisher nor the other listeners', async ({ store }) => {
    const topic = someTopic()
    const heard: string[] = []
    const unsubscribers = [
      await store.channel.subscribe(topic, () => {
        throw new Error('a listener failed, as the test asked')
      }),
      await store.channel.subscribe(topic, (message) => heard.push(message)),
    ]

    await store.channel.publish(topic, 'hello')

    await eventually(() => heard.length > 0, 'the message arrives')
    for (const unsubscribe of unsubscribers) await unsubscribe()
    isEqual(heard, ['hello'], 'what the other heard')
  })

  rule('hostile messages arrive unchanged, none of no characters and one of 4 KiB included', async ({ store, second }) => {
    const topic = someTopic()
    const messages = [
      '',
      '\0',
      '__proto__',
      '*1\r\n$4\r\nPING\r\n',
      `'); NOTIFY other, 'x'; --`,
      '👩‍👩‍👧',
      // 4 KiB of what grows most when it is quoted.
      '"\0'.repeat(2048),
    ]
    const heard: string[] = []
    const unsubscribe = await second.channel.subscribe(topic, (text) => heard.push(text))

    for (const message of messages) await store.channel.publish(topic, message)

    await eventually(() => heard.length === messages.length, 'the messages arrive')
    await unsubscribe()
    isEqual(heard, messages, 'what was heard')
  })

  rule('topics that differ a little do not meet', async ({ store, second }) => {
    const prefix = someTopic()
    const endings = ['', '\0', ' ', '*', 'A', 'a', '"', `'; --`, '\r\n', '__proto__', '👩‍👩‍👧', '{a}', 't'.repeat(64)]
    const heard: string[] = []
    const unsubscribers: (() => Promise<void>)[] = []
    for (const ending of endings) {
      unsubscribers.push(await second.channel.subscribe(prefix + ending, (text) => heard.push(`${ending} heard ${text}`)))
    }

    for (const ending of endings) await store.channel.publish(prefix + ending, ending)

    await eventually(() => heard.length >= endings.length, 'the messages arrive')
    await settle()
    for (const unsubscribe of unsubscribers) await unsubscribe()
    isEqual(heard.sort(), endings.map((ending) => `${ending} heard ${ending}`).sort(), 'what was heard')
  })
}
