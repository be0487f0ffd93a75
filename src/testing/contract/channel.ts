import { eventually, isEqual } from '../assert.ts'
import { type Rule, someId } from './harness.ts'

const someTopic = () => `contract:${someId()}`

/** Long enough for a message on its way to arrive, where one must not. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 150))

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

  rule('a message of 4 KiB with NUL, quotes and emoji arrives unchanged', async ({ store, second }) => {
    const topic = someTopic()
    const message = `"'\0\n👩‍👩‍👧${'x'.repeat(4000)}`
    const heard: string[] = []
    const unsubscribe = await second.channel.subscribe(topic, (text) => heard.push(text))

    await store.channel.publish(topic, message)

    await eventually(() => heard.length > 0, 'the message arrives')
    await unsubscribe()
    isEqual(heard, [message], 'what was heard')
  })
}
