/**
 * How long searches of a log of a million entries take, in both engines; for the numbers in `docs/guide/audit.md`. Run it by hand:
 * `npm run example test/monitor/audit/measure.ts [entries]`. It takes some minutes.
 */
import type { AuditQuery } from 'sojourn/monitor/audit'
import { systemClock } from '../../../src/core/clock.ts'
import { serviceOf } from '../../../src/core/service.ts'
import { createSigner } from '../../../src/monitor/audit/signing.ts'
import { Writer } from '../../../src/monitor/audit/writer.ts'
import { engines } from './engines.ts'
import { openLog, sessionId } from './support.ts'

const COUNT = Number(process.argv[2] ?? 1_000_000)
const STEP = 1000
const TYPES = ['session.started', 'session.revoked', 'session.expired', 'token.refused', 'factor.used', 'csrf.refused'] as const
const startedAt = systemClock() - COUNT * 1000

for (const engine of engines) {
  await engine.start()
  const place = await engine.place()
  const store = place.open()
  const { audit, sessions } = openLog(store)
  const { keyring, random } = serviceOf(sessions).config
  const rules = {
    signer: createSigner(keyring, []),
    checkpointEvery: 1000,
    checkpointInterval: 86_400_000,
    newLogName: () => 'measured',
  }
  const writer = new Writer(store, rules, random, { checkpointed: () => {}, tampered: () => {} })
  const filledAt = performance.now()
  for (let i = 0; i < COUNT; i += STEP) {
    const drafts = Array.from({ length: STEP }, (_, j) => draft(i + j))
    await writer.write(writer.newName(), { drafts, now: startedAt + i * 1000 })
  }
  console.log(engine.name, 'entries a second:', Math.round(COUNT / ((performance.now() - filledAt) / 1000)))
  if (engine.name === 'postgres') await place.run('ANALYZE sojourn_audit')

  const queries: Readonly<Record<string, AuditQuery>> = {
    everything: {},
    'one of 10,000 people': { subject: 'person-77' },
    'the busiest person, a tenth of all': { subject: 'busy' },
    'the busiest person, a rare type': { subject: 'busy', types: ['factor.removed'] },
    'one session': { sessionId: sessionId(7) },
    'a type that is everywhere': { types: ['session.revoked'] },
    'a type that is almost nowhere': { types: ['factor.removed'] },
    'six types': { types: TYPES },
    'six types and a rare one': { types: [...TYPES, 'factor.removed'] },
    'a day in the middle': { from: startedAt + COUNT * 500, until: startedAt + COUNT * 500 + 86_400_000 },
    'a day in the middle, two types': {
      from: startedAt + COUNT * 500,
      until: startedAt + COUNT * 500 + 86_400_000,
      types: ['session.started', 'factor.removed'],
    },
    'the busiest person, a day in the middle': {
      subject: 'busy',
      from: startedAt + COUNT * 500,
      until: startedAt + COUNT * 500 + 86_400_000,
    },
    'an actor': { actor: 'root' },
    'an actor and a person': { actor: 'root', subject: 'busy' },
  }
  for (const [name, query] of Object.entries(queries)) {
    const times: number[] = []
    let page = await audit.search(query)
    const first = page.entries.length
    for (let i = 0; i < 20; i++) {
      const began = performance.now()
      page = await audit.search({ ...query, older: page.older })
      times.push(performance.now() - began)
    }
    times.sort((a, b) => a - b)
    console.log(
      `${engine.name} | ${name} | first page ${first} | median ${times[10]!.toFixed(1)} ms | worst of 20 pages ${times.at(-1)!.toFixed(1)} ms`,
    )
  }
  const began = performance.now()
  const { isIntact, findings } = await audit.verify()
  console.log(
    engine.name,
    'verify:',
    isIntact,
    `${((performance.now() - began) / 1000).toFixed(1)} s`,
    JSON.stringify(findings.slice(0, 3)),
  )
  await audit.close()
  await place.close()
  await engine.stop()
}
process.exit()

function draft(i: number) {
  const type = i % 9973 === 0 ? 'factor.removed' : TYPES[i % TYPES.length]!
  const subject = i % 10 === 0 ? 'busy' : `person-${(i * 7919) % 10_000}`
  const actor = i % 5000 === 0 ? 'root' : undefined
  return {
    type,
    at: startedAt + i * 1000,
    subject,
    sessionId: sessionId(i % 200),
    actor,
    reason: 'logout',
    kind: 'totp',
    factorId: 'f1',
    methods: ['pwd'],
  }
}
