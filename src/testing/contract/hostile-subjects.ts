import { isEqual, isTrue } from '../assert.ts'
import type { TestedCapabilities } from './capabilities.ts'
import { create, idsOf, isAlive, type Rule, readRecord, someRecord } from './harness.ts'

const logout = (now: number) => ({ now, reason: 'logout' })

/** Subjects that break keys, scripts and property look-ups made by pasting strings together. */
export const HOSTILE_SUBJECTS: Readonly<Record<string, string>> = {
  'of no characters': '',
  'of 1 KB': 'x'.repeat(1024),
  'of 1 KB of emoji': '👾'.repeat(256),
  'with NUL': 'a\0b',
  'of NUL alone': '\0',
  'with an emoji': '👩‍👩‍👧 reader',
  'named __proto__': '__proto__',
  'named constructor': 'constructor',
  'with SQL': `'; DROP TABLE sessions; --`,
  'with SQL wildcards': '%_[a-z]*?',
  'with Lua and Redis metacharacters': '{tag}:]] KEYS[1] "\\"\r\n*1\r\n$4\r\nPING\r\n',
  'with a command of memcached': 'a 0 0 1\r\nx\r\nset b 0 0 1\r\ny\r\nflush_all\r\n',
  'with quotes, backslashes and a template': '"\\\'`<%= 1 %>{{1}}\u2028',
  'with blanks and line ends': ' reader \t\n',
}

/** Pairs that a careless store takes for one: cut at NUL, folded in case, trimmed, or normalised. */
export const NEAR_PAIRS: readonly (readonly [string, string])[] = [
  ['a', 'a\0'],
  ['a\0b', 'a\0c'],
  ['reader', 'Reader'],
  ['reader', 'reader '],
  ['1', '01'],
  ['1', '1.0'],
  ['\u00e9', 'e\u0301'],
  ['', '\0'],
]

export function hostileSubjectRules(rule: Rule, tested: TestedCapabilities): void {
  for (const [description, subject] of Object.entries(HOSTILE_SUBJECTS)) {
    rule(`a subject ${description} is kept, listed and ended like any other`, async ({ store, now }) => {
      const record = await create(store, someRecord(now, { subject }), { now })

      isEqual((await readRecord(store, record.id)).subject, subject, 'the subject')
      if (tested.listsSubjects) isTrue(idsOf(await store.list(subject)).includes(record.id), 'the list has the session')
      if (!tested.revokesSubjects) return
      const ended = await store.revokeSubject(subject, logout(now))
      isTrue(tested.listsSubjects ? ended !== undefined && ended >= 1 : ended === undefined, 'the count says that it was ended')
      isEqual(await isAlive(store, record.id), false, 'alive')
    })
  }

  if (!tested.revokesSubjects) return
  rule('subjects that differ a little do not meet', async ({ store, now }) => {
    for (const [one, other] of NEAR_PAIRS) {
      const record = await create(store, someRecord(now, { subject: one }), { now })

      const listed = tested.listsSubjects ? idsOf(await store.list(other)) : []
      await store.revokeSubject(other, logout(now))

      isTrue(!listed.includes(record.id), `${JSON.stringify(other)} does not list ${JSON.stringify(one)}`)
      isTrue(await isAlive(store, record.id), `ending ${JSON.stringify(other)} spares ${JSON.stringify(one)}`)
      await store.revokeSubject(one, logout(now))
    }
  })
}
