// The attacker has: write access to the database, not the keys.
// The attacker does: edits columns and bodies, swaps rows between sessions, takes sealed data away or puts an older one back.
// The attacker must not obtain: another subject's authority, a longer life, or data they chose. (Putting a whole earlier row back, its
// version included, cannot be told from the past: SECURITY.md says so.)
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { hours } from '../../src/core/duration.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { setUp, signedIn } from '../core/support.ts'

async function database() {
  const raw = new DatabaseSync(':memory:')
  const service = setUp({ store: faultyStore(sqliteStore(raw)) })
  const [admin, mallory] = [
    await signedIn(service.sessions, { subject: 'admin' }),
    await signedIn(service.sessions, { subject: 'mallory' }),
  ]
  const ids = [(await service.sessions.read(admin)).id!, (await service.sessions.read(mallory)).id!] as const
  return { ...service, raw, mallory, adminId: ids[0], malloryId: ids[1] }
}

it.each(["'admin'", "'nobody'", 'NULL'])(
  'changing the subject column to %s is refused: no authority, and no way around ending all of a subject’s',
  async (subject) => {
    const { raw, sessions, mallory, malloryId } = await database()
    raw.prepare(`UPDATE sessions SET subject = ${subject} WHERE id = ?`).run(malloryId)

    expect(await sessions.read(mallory)).toMatchObject({ state: 'revoked', stateReason: 'unreadable', subject: undefined })
  },
)

it('moving the deadline columns gives no longer life', async () => {
  const { raw, sessions, mallory, clock } = await database()
  raw.exec('UPDATE sessions SET deadline = 9e15, absolute_deadline = 9e15')
  clock.advance(hours(1))

  expect((await sessions.read(mallory)).state).toBe('expired')
})

it('another session’s body under one’s own id is refused', async () => {
  const { raw, sessions, mallory, adminId, malloryId } = await database()
  raw.prepare('UPDATE sessions SET body = (SELECT body FROM sessions WHERE id = ?) WHERE id = ?').run(adminId, malloryId)

  expect(await sessions.read(mallory)).toMatchObject({ state: 'revoked', stateReason: 'unreadable', subject: undefined })
})

it('the subject inside the body cannot be edited', async () => {
  const { raw, sessions, mallory, malloryId } = await database()
  const { body } = raw.prepare('SELECT body FROM sessions WHERE id = ?').get(malloryId) as { body: Uint8Array }
  const edited = Buffer.from(body)
  edited.write('admin', edited.indexOf('mallory'))
  raw.prepare('UPDATE sessions SET body = ? WHERE id = ?').run(edited, malloryId)

  expect((await sessions.read(mallory)).subject).toBeUndefined()
})

it.each([
  [
    'taken away',
    ({ now }: { now: Uint8Array; then: Uint8Array; sealed: number }, sealed: number) => now.subarray(0, now.length - sealed),
  ],
  [
    'put back as it was',
    ({ now, then }: { now: Uint8Array; then: Uint8Array }, sealed: number) =>
      Buffer.concat([now.subarray(0, now.length - sealed), then.subarray(then.length - sealed)]),
  ],
])('sealed data cannot be %s', async (_case, edit) => {
  const { raw, sessions, mallory, malloryId } = await database()
  const bodyNow = () => (raw.prepare('SELECT body FROM sessions WHERE id = ?').get(malloryId) as { body: Uint8Array }).body
  const write = async (mark: number) => {
    const session = await sessions.read(mallory)
    session.data.strikes = mark
    await session.commit()
    return bodyNow()
  }
  const then = await write(0)
  const now = await write(3)
  const sealed = 4 + 12 + '1{"strikes":3}'.length + 16
  raw.prepare('UPDATE sessions SET body = ? WHERE id = ?').run(edit({ now, then, sealed }, sealed), malloryId)

  expect((await sessions.read(mallory)).state).toBe('revoked')
})

it.each([
  'body = NULL',
  "body = 'text'",
  'body = 42',
  "body = x''",
  'body = zeroblob(2000)',
  'version = -1',
  "subject = x'00'",
  'epoch = 99',
])('a row damaged by `%s` never signs anybody in as another, and never crashes a request', async (damage) => {
  const { raw, sessions, mallory, malloryId } = await database()
  raw.prepare(`UPDATE sessions SET ${damage} WHERE id = ?`).run(malloryId)
  const { subject } = await sessions.read(mallory)

  expect([undefined, 'mallory']).toContain(subject)
})
