import type { AuditPage, AuditQuery } from 'sojourn/monitor/audit'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { codeOf } from '../../core/support.ts'
import { engines } from './engines.ts'
import { filled, openLog, sessionId } from './support.ts'

const numbers = ({ entries }: AuditPage) => entries.map(({ seq }) => seq)

for (const engine of engines) {
  describe(`in ${engine.name}`, () => {
    beforeAll(() => engine.start())
    afterAll(() => engine.stop())

    /** 30 entries: sign-outs of ada, bob and eve in turn, in five sessions in turn; and two of root. */
    async function log() {
      const place = await engine.place()
      const opened = await filled(place.open(), 30)
      await opened.audit.record({ action: 'console.looked', actor: 'root' })
      await opened.audit.record({ action: 'console.session-ended', actor: 'root', subject: 'eve', sessionId: sessionId(1) })
      onTestFinished(async () => {
        await opened.audit.close()
        await place.close()
      })
      return opened
    }

    it('gives the latest first', async () => {
      const { audit } = await log()

      expect(numbers(await audit.search({ limit: 3 }))).toEqual([32, 31, 30])
    })

    it.each<[string, AuditQuery, number[]]>([
      ['by subject', { subject: 'ada', limit: 3 }, [28, 25, 22]],
      ['by session', { sessionId: sessionId(1), limit: 3 }, [32, 27, 22]],
      ['by actor', { actor: 'root' }, [32, 31]],
      ['by a type', { types: ['console.looked'] }, [31]],
      ['by several types', { types: ['console.looked', 'session.revoked'], limit: 3 }, [31, 30, 29]],
      [
        'by several types of a person',
        { types: ['console.session-ended', 'session.revoked'], subject: 'eve', limit: 2 },
        [32, 30],
      ],
      ['by no type', { types: [] }, []],
      ['by what nobody is called', { subject: 'mallory' }, []],
      ['by two of them', { subject: 'ada', sessionId: sessionId(0) }, [16, 1]],
    ])('finds %s', async (_, query, expected) => {
      const { audit } = await log()

      expect(numbers(await audit.search(query))).toEqual(expected)
    })

    it('finds by time: from an instant on, before another', async () => {
      const { audit } = await log()
      const { entries } = await audit.search({ limit: 30 })
      const at = (seq: number) => entries.find((entry) => entry.seq === seq)!.at

      expect(numbers(await audit.search({ from: at(10), until: at(13) }))).toEqual([12, 11, 10])
    })

    it.each<[string, AuditQuery]>([
      ['everything', {}],
      ['a person', { subject: 'bob' }],
      ['several types', { types: ['session.revoked', 'console.looked', 'console.session-ended'] }],
    ])('pages through %s both ways, without a gap or a repetition', async (_, query) => {
      const { audit } = await log()
      const all = numbers(await audit.search({ ...query, limit: 500 }))
      const down: number[][] = []
      let page = await audit.search({ ...query, limit: 4 })
      expect(page.newer).toBeUndefined()
      for (down.push(numbers(page)); page.older !== undefined; down.push(numbers(page)))
        page = await audit.search({ ...query, limit: 4, older: page.older })
      const up: number[][] = []
      for (up.push(numbers(page)); page.newer !== undefined; up.push(numbers(page)))
        page = await audit.search({ ...query, limit: 4, newer: page.newer })

      expect(down.flat()).toEqual(all)
      expect(up.reverse().flat()).toEqual(all)
    })

    it('entries of one instant are paged without a gap', async () => {
      const place = await engine.place()
      const { audit, emit } = openLog(place.open())
      onTestFinished(async () => {
        await audit.close()
        await place.close()
      })
      for (let i = 0; i < 9; i++) emit({ type: 'session.expired', reason: 'idle', subject: `p${i}` })
      await audit.drained()

      const first = await audit.search({ limit: 5 })

      expect([numbers(first), numbers(await audit.search({ older: first.older, limit: 5 }))]).toEqual([
        [9, 8, 7, 6, 5],
        [4, 3, 2, 1],
      ])
    })

    it.each([
      ['a half surrogate', '\ud800'],
      ['marks of direction', '\u202eadmin\u202c'],
      ['a NUL', 'ada\0'],
      ['markup', '<script>alert(1)</script>'],
      ['line breaks', 'ada\r\n{"seq":1}'],
      ['1 KB of four bytes each', '\u{1f600}'.repeat(256)],
      ['quotes', `'"; DROP TABLE sojourn_audit; --`],
    ])('a subject with %s is kept, found, and told from its neighbour', async (_, subject) => {
      const place = await engine.place()
      const { audit, emit } = openLog(place.open())
      onTestFinished(async () => {
        await audit.close()
        await place.close()
      })
      emit({ type: 'session.revoked', reason: 'logout', subject, actor: subject })
      emit({ type: 'session.revoked', reason: 'logout', subject: `${subject}x` })
      await audit.drained()

      const bySubject = await audit.search({ subject })
      const byActor = await audit.search({ actor: subject })

      expect(bySubject.entries).toMatchObject([{ seq: 1, subject, actor: subject }])
      expect(numbers(byActor)).toEqual([1])
      expect((await audit.verify()).isIntact).toBe(true)
    })
  })
}

describe('what no page gave', () => {
  it.each<[string, AuditQuery]>([
    ['a cursor of words', { older: '1; DROP TABLE sojourn_audit' }],
    ['two cursors', { older: '1.1', newer: '1.1' }],
    ['a limit of none', { limit: 0 }],
    ['a limit of very many', { limit: 501 }],
    ['a time that is none', { from: Number.NaN }],
    ['types that are none', { types: 'session.revoked' as never }],
    ['a subject that is none', { subject: {} as never }],
  ])('%s is misuse, said so', async (_, query) => {
    const place = await engines[0]!.place()
    const { audit } = openLog(place.open())
    onTestFinished(async () => {
      await audit.close()
      await place.close()
    })

    expect(await codeOf(audit.search(query))).toBe('ERR_ARGUMENT_INVALID')
  })
})
