import { isSojournError } from '../../core/errors.ts'
import type { CallOptions, NewRecord, Store } from '../../core/store.ts'
import { eventually, isEqual, isTrue } from '../assert.ts'
import { type TcpProxy, tcpProxy } from '../tcp-proxy.ts'
import type { TestedCapabilities } from './capabilities.ts'
import {
  changesOf,
  create,
  createMany,
  HOUR,
  idsOf,
  isAlive,
  type Rule,
  readRecord,
  someId,
  someRecord,
  someSubject,
} from './harness.ts'

const BODY = Uint8Array.of(9, 8, 7)
const VALUE = Uint8Array.of(0, 13, 10, 255)

/** How long a caller waits, in milliseconds, and how much later at the latest an operation must have ended. */
const PATIENCE = 1500
const GRACE = 1000
/** How long a handle may need, in milliseconds, until it works again after the network does. */
const HEALING = 5000
/** More round trips than any operation has. */
const MOST_REPLIES = 12

interface Network {
  /** Reaches the server through the proxy. */
  readonly through: Store
  /** Reaches the same data without it. */
  readonly direct: Store
  readonly proxy: TcpProxy
  readonly now: number
}

type Attempt<T> = { readonly kind: 'answer'; readonly value: T } | { readonly kind: 'fault' }

/** Faults between a store's client and a real server: between command and reply, in silence, and all at once. */
export function networkRules(rule: Rule, tested: TestedCapabilities): void {
  const broken = (name: string, test: (network: Network) => Promise<void>) =>
    rule(name, async ({ store, now, given, afterwards }) => {
      isTrue(given.network !== undefined, 'the factory gives the `network` of its server')
      const proxy = await tcpProxy(given.network.server)
      afterwards(() => proxy.close())
      const through = await given.network.openThrough(proxy.port)
      try {
        await works(through)
        await test({ through, direct: store, proxy, now })
      } finally {
        // So that the clients can take their leave.
        proxy.setMode({ kind: 'pass' })
      }
    })

  lostReplyRules(broken, tested)
  silenceRules(broken, tested)
  breakRules(broken)
}

type BrokenRule = (name: string, test: (network: Network) => Promise<void>) => void

function lostReplyRules(broken: BrokenRule, tested: TestedCapabilities): void {
  broken('a create whose reply was lost happened or not, and asking again says which', async (network) => {
    const { through, direct, now } = network
    await forEachReply(network, async (loseReply) => {
      const record = someRecord(now, { subject: someSubject() })
      const first = await loseReply((options) => through.create(record, { ...options, now }))

      const isThere = (await direct.read(record.id)) !== undefined
      const again = await through.create(record, { now })

      isTrue(isThere || first.kind === 'fault', 'what was acknowledged is there')
      isEqual(again.kind, isThere ? 'exists' : 'created', 'asking again')
      const { version, body } = await readRecord(direct, record.id)
      isEqual([version, body], [1, record.body], 'version and body')
      if (tested.listsSubjects) isEqual(idsOf(await direct.list(record.subject!)), [record.id], 'the list')
    })
  })

  broken('an update whose reply was lost happened wholly or not at all, and once', async (network) => {
    const { through, direct, now } = network
    await forEachReply(network, async (loseReply) => {
      const record = await create(direct, someRecord(now), { now })
      const changes = { deadline: now + 2 * HOUR, absoluteDeadline: now + 13 * HOUR, body: BODY }
      const first = await loseReply((options) => through.update(record.id, 1, changes, options))

      const { version, deadline, absoluteDeadline, body } = await readRecord(direct, record.id)
      const again = await through.update(record.id, 1, changes)

      const happened = version === 2
      isTrue(happened || first.kind === 'fault', 'what was acknowledged happened')
      const whole = happened ? { version: 2, ...changes } : { version: 1, ...changesOf(record, record.body) }
      isEqual({ version, deadline, absoluteDeadline, body }, whole, 'the record')
      isEqual(again, happened ? 'conflict' : 'updated', 'asking again')
      isEqual((await readRecord(direct, record.id)).version, 2, 'the version in the end')
    })
  })

  broken('a revocation whose reply was lost has ended the session or not, and asking again ends it', async (network) => {
    const { through, direct, now } = network
    await forEachReply(network, async (loseReply) => {
      const record = await create(direct, someRecord(now), { now })
      const first = await loseReply((options) => through.revoke(record.id, { ...options, now, reason: 'logout' }))

      const isOver = (await direct.read(record.id))?.kind === 'tombstone'
      const again = await through.revoke(record.id, { now, reason: 'logout' })

      isTrue(isOver || first.kind === 'fault', 'what was acknowledged has ended it')
      isEqual(again, !isOver, 'asking again')
      isEqual((await direct.read(record.id))?.kind, 'tombstone', 'what is read in the end')
    })
  })

  if (tested.revokesSubjects) {
    broken('an end of a subject whose reply was lost has ended all of its sessions or none', async (network) => {
      const { through, direct, now } = network
      await forEachReply(network, async (loseReply) => {
        const subject = someSubject()
        const records = await createMany(direct, subject, 3, now)
        const first = await loseReply((options) => through.revokeSubject(subject, { ...options, now, reason: 'logout' }))

        const living = (await Promise.all(records.map(({ id }) => isAlive(direct, id)))).filter(Boolean).length
        await through.revokeSubject(subject, { now, reason: 'logout' })

        isTrue(living === 0 || (living === 3 && first.kind === 'fault'), 'none lives, or all do and nothing was acknowledged')
        const alive = await Promise.all(records.map(({ id }) => isAlive(direct, id)))
        isEqual(alive, [false, false, false], 'alive in the end')
      })
    })
  }

  broken('a replacement whose reply was lost never leaves both sessions alive', async (network) => {
    const { through, direct, now } = network
    await forEachReply(network, async (loseReply) => {
      const subject = someSubject()
      const old = await create(direct, someRecord(now, { subject }), { now })
      const next = someRecord(now, { subject })
      const replaces = { id: old.id, version: 1, reason: 'signed-in' }
      const first = await loseReply((options) => through.create(next, { ...options, now, replaces }))

      const alive = [await isAlive(direct, old.id), await isAlive(direct, next.id)]

      isTrue(!(alive[0] && alive[1]), 'at most one is alive')
      isTrue(alive[1] || first.kind === 'fault' || first.value.kind !== 'created', 'what was acknowledged is alive')
    })
  })

  broken('a claim or value whose reply was lost is never given twice', async (network) => {
    const { through, now } = network
    await forEachReply(network, async (loseReply) => {
      const key = someId()
      const first = await loseReply((options) => through.ledger.claim(key, { ...options, now, deadline: now + HOUR }))
      const again = [await through.ledger.claim(key, { now, deadline: now + HOUR })]
      again.push(await through.ledger.claim(key, { now, deadline: now + HOUR }))

      const won = again.filter(Boolean).length + Number(first.kind === 'answer' && first.value)
      isTrue(won <= 1, 'the claim is true at most once')
    })
    await forEachReply(network, async (loseReply) => {
      const key = someId()
      await through.ledger.put(key, VALUE, { now, deadline: now + HOUR })
      const first = await loseReply((options) => through.ledger.take(key, { ...options, now }))
      const again = [await through.ledger.take(key, { now }), await through.ledger.take(key, { now })]

      const given =
        again.filter((value) => value !== undefined).length + Number(first.kind === 'answer' && first.value !== undefined)
      isTrue(given <= 1, 'the value is given at most once')
    })
  })
}

function silenceRules(broken: BrokenRule, tested: TestedCapabilities): void {
  broken('a server that falls silent keeps nobody longer than they wait, and the handle works afterwards', async (network) => {
    const { through, direct, proxy, now } = network
    const record = await create(direct, someRecord(now, { subject: someSubject() }), { now })
    proxy.setMode({ kind: 'stall' })

    const attempts = await Promise.all(everyOperation(network, record, tested).map((operation) => attempt(operation)))

    isTrue(
      attempts.every(({ kind }) => kind === 'fault'),
      'nothing is answered in the silence',
    )
    proxy.setMode({ kind: 'pass' })
    await works(through)
    isEqual((await readRecord(through, record.id)).id, record.id, 'the session is there')
  })

  broken('an answer that comes when its caller has left is not given to the next caller', async (network) => {
    const { through, direct, proxy, now } = network
    const records: NewRecord[] = []
    for (let i = 0; i < 10; i++) records.push(await create(direct, someRecord(now, { body: Uint8Array.of(i) }), { now }))
    proxy.setMode({ kind: 'latency', milliseconds: 150 })

    const leaving = await Promise.all(records.map(({ id }) => attempt((options) => through.read(id, options), 30)))
    const staying = await Promise.all([...records].reverse().map(({ id }) => attempt((options) => through.read(id, options))))

    isTrue(
      leaving.every(({ kind }) => kind === 'fault'),
      'who left got no answer',
    )
    const read = staying.map((one) => (one.kind === 'answer' && one.value?.kind === 'record' ? one.value.record.id : one.kind))
    isEqual(read, idsOf(records).reverse(), 'what the next callers read')
  })
}

function breakRules(broken: BrokenRule): void {
  broken(
    'a server that cannot be reached is a typed fault, never "there is no session"',
    async ({ through, direct, proxy, now }) => {
      const record = await create(direct, someRecord(now), { now })
      proxy.setMode({ kind: 'cut' })

      const attempts = await Promise.all([1, 2, 3].map(() => attempt((options) => through.read(record.id, options))))

      isTrue(
        attempts.every(({ kind }) => kind === 'fault'),
        'nobody is told anything of the session',
      )
      proxy.setMode({ kind: 'pass' })
      await works(through)
      isEqual((await readRecord(through, record.id)).id, record.id, 'the session is there')
    },
  )

  broken('connections that break under parallel reads never make a session absent', async ({ through, direct, proxy, now }) => {
    const record = await create(direct, someRecord(now), { now })

    for (let round = 0; round < 5; round++) {
      const reading = Promise.all(Array.from({ length: 20 }, () => attempt((options) => through.read(record.id, options))))
      await new Promise((resolve) => setImmediate(resolve))
      proxy.breakConnections()
      for (const one of await reading) {
        isTrue(one.kind === 'fault' || one.value?.kind === 'record', 'a read gives the record or a fault')
      }
      await works(through)
    }
  })

  broken('a writer whose connections break again and again loses nothing that was acknowledged', async (network) => {
    const { through, direct, proxy, now } = network
    const record = await create(direct, someRecord(now, { body: new Uint8Array(20) }), { now })
    const versions: number[] = []
    const acknowledged: number[] = []

    for (let number = 0; number < 20; number++) {
      const { version, body } = await readRecord(direct, record.id)
      const next = Uint8Array.from(body).fill(1, number, number + 1)
      const writing = attempt((options) => through.update(record.id, version, changesOf(record, next), options))
      if (number % 3 === 0) proxy.breakConnections()
      const outcome = await writing
      if (outcome.kind === 'answer' && outcome.value === 'updated') {
        acknowledged.push(number)
        versions.push(version + 1)
      }
      await works(through)
    }

    const { body } = await readRecord(direct, record.id)
    isTrue(
      acknowledged.every((number) => body[number] === 1),
      'every acknowledged write is there',
    )
    isEqual(new Set(versions).size, versions.length, 'every acknowledged write had a version of its own')
  })
}

type LoseReply = <T>(operation: (options: CallOptions) => T | Promise<T>) => Promise<Attempt<T>>

/** Runs a test once for each reply the operation waits for, with that reply lost. */
async function forEachReply({ through, proxy }: Network, test: (loseReply: LoseReply) => Promise<void>): Promise<void> {
  for (let after = 0; after < MOST_REPLIES; after++) {
    const before = proxy.lostReplies
    await test(async (operation) => {
      proxy.setMode({ kind: 'lose-reply', after })
      const outcome = await attempt(operation)
      proxy.setMode({ kind: 'pass' })
      await works(through)
      return outcome
    })
    if (proxy.lostReplies === before) {
      isTrue(after > 0, 'the operation went through the proxy')
      return
    }
  }
}

/** Waits for an operation as an impatient caller does. A fault must be typed, and in time. */
async function attempt<T>(operation: (options: CallOptions) => T | Promise<T>, patience = PATIENCE): Promise<Attempt<T>> {
  const controller = new AbortController()
  const leaving = setTimeout(() => controller.abort(), patience)
  let hanging: ReturnType<typeof setTimeout> | undefined
  const hangs = new Promise<'hangs'>((resolve) => {
    hanging = setTimeout(resolve, patience + GRACE, 'hangs')
  })
  try {
    const started = Promise.resolve().then(() => operation({ signal: controller.signal }))
    const outcome = await Promise.race([started, hangs])
    isTrue(outcome !== 'hangs', `an operation ends within ${GRACE} ms after its caller has stopped waiting`)
    return { kind: 'answer', value: outcome as T }
  } catch (reason) {
    if (reason instanceof Error && reason.name === 'AssertionError') throw reason
    isTrue(
      isSojournError(reason, 'ERR_STORE_UNAVAILABLE'),
      `a fault has the code ERR_STORE_UNAVAILABLE, unlike ${String(reason)}`,
    )
    return { kind: 'fault' }
  } finally {
    clearTimeout(leaving)
    clearTimeout(hanging)
  }
}

/** Waits until the handle answers again. */
async function works(store: Store): Promise<void> {
  const answers = async () => (await attempt((options) => store.read(someId(), options))).kind === 'answer'
  await eventually(answers, 'the handle works', HEALING)
}

function everyOperation(
  { through, now }: Network,
  record: NewRecord,
  tested: TestedCapabilities,
): ((options: CallOptions) => unknown)[] {
  const { ledger } = through
  const ending = { now, reason: 'logout' }
  const keeping = { now, deadline: now + HOUR, window: HOUR }
  const always: ((options: CallOptions) => unknown)[] = [
    (options) => through.read(record.id, options),
    (options) => through.create(someRecord(now, { subject: record.subject }), { ...options, now }),
    (options) => through.update(record.id, 7, changesOf(record, BODY), options),
    (options) => through.revoke(someId(), { ...options, ...ending }),
    (options) => ledger.claim(someId(), { ...options, ...keeping }),
    (options) => ledger.put(someId(), VALUE, { ...options, ...keeping }),
    (options) => ledger.take(someId(), { ...options, now }),
    (options) => ledger.get(someId(), { ...options, now }),
    (options) => ledger.count(someId(), { ...options, ...keeping }),
  ]
  if (tested.revokesSubjects) always.push((options) => through.revokeSubject(someSubject(), { ...options, ...ending }))
  if (tested.listsSubjects) always.push((options) => through.list(record.subject!, options))
  if (tested.hasChannel) always.push((options) => through.channel.publish(someId(), 'hello', options))
  if (!tested.purgesItself) always.push((options) => through.purge({ ...options, before: now - 24 * HOUR, limit: 10 }))
  return always
}
