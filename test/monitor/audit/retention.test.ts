import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { engines } from './engines.ts'
import { FOREIGN_KEY, filled, openLog, until, wrapped } from './support.ts'

for (const engine of engines) {
  describe(`in ${engine.name}`, () => {
    beforeAll(() => engine.start())
    afterAll(() => engine.stop())

    /** 60 entries, one a second; checkpoints after every ten or so. */
    async function log() {
      const place = await engine.place()
      const opened = await filled(place.open(), 60)
      onTestFinished(async () => {
        await opened.audit.close()
        await place.close()
      })
      return { ...opened, place }
    }

    it('removes what is older, up to a checkpoint; the rest holds, and an entry says who asked', async () => {
      const { audit, clock } = await log()

      const { removed, through } = await audit.retain({ olderThan: 30_000, actor: 'root' })

      const { entries } = await audit.search({ limit: 500 })
      expect(removed).toBe(through)
      expect(through).toBeGreaterThan(10)
      expect(through).toBeLessThanOrEqual(30)
      expect(entries.every(({ seq, at }) => seq > through || at < clock() - 30_000)).toBe(true)
      expect(entries[0]).toMatchObject({
        type: 'audit.cut',
        actor: 'root',
        details: { through },
        sentence: `Entries up to number ${through} were removed: their time is over.`,
      })
      expect(await audit.verify()).toMatchObject({ isIntact: true, from: through + 1, through: 61, entries: 61 - through })
    })

    it('again removes nothing more, and later what has become older since', async () => {
      const { audit, clock, emit } = await log()
      const first = await audit.retain({ olderThan: 30_000 })
      expect(await audit.retain({ olderThan: 30_000 })).toEqual({ removed: 0, through: first.through })
      clock.advance(20_000)
      emit({ type: 'session.expired', reason: 'idle' })
      await audit.drained()

      const second = await audit.retain({ olderThan: 30_000 })

      expect(second.through).toBeGreaterThan(first.through)
      expect((await audit.verify()).isIntact).toBe(true)
    })

    it('everything may go; numbers go on', async () => {
      const { audit, clock } = await log()
      await audit.checkpoint()
      clock.advance(1)
      await audit.retain({ olderThan: 0 })
      clock.advance(1000)
      await audit.checkpoint()
      await audit.retain({ olderThan: 0 })

      const { seq } = await audit.record({ action: 'x', actor: 'root' })

      expect(seq).toBeGreaterThan(61)
      expect((await audit.verify()).findings).toEqual([])
    })

    it('one that was interrupted goes on; half-way the log holds', async () => {
      const { audit, place } = await log()
      const other = openLog(place.open())
      onTestFinished(() => other.audit.close())
      const { through } = await audit.retain({ olderThan: 30_000 })
      // As if the process had died before it had removed the last of them: they are back.
      await place.run(
        `INSERT INTO sojourn_audit SELECT ${through}, at, type, session_id, subject_key, actor_key, body, hash FROM sojourn_audit WHERE seq = 61`,
      )
      expect((await audit.verify()).isIntact).toBe(true)

      expect(await other.audit.retain({ olderThan: 365 * 86_400_000 })).toEqual({ removed: 1, through })
    })

    it('what was signed by a key nobody trusts any more stays: it vouches for nothing', async () => {
      const { place } = await log()
      const other = openLog(place.open(), { keys: FOREIGN_KEY })
      onTestFinished(() => other.audit.close())

      expect(await other.audit.retain({ olderThan: 0 })).toEqual({ removed: 0, through: 0 })
    })

    it('removing more by hand than retention did is found', async () => {
      const { audit, place } = await log()
      const { through } = await audit.retain({ olderThan: 30_000 })
      await place.run(`DELETE FROM sojourn_audit WHERE seq <= ${through + 3}`)

      expect((await audit.verify()).findings).toMatchObject([{ kind: 'missing', seq: through + 1, through: through + 3 }])
    })

    it('two at once leave one log', async () => {
      const { audit, place, clock } = await log()
      const other = openLog(place.open(), { clock })
      onTestFinished(() => other.audit.close())

      await Promise.all([
        audit.retain({ olderThan: 10_000 }),
        other.audit.retain({ olderThan: 40_000 }),
        audit.retain({ olderThan: 20_000 }),
      ])

      expect((await audit.verify()).findings).toEqual([])
    })

    it('one that comes late does not take back what another did meanwhile', async () => {
      const { audit, place, clock } = await log()
      const store = place.open()
      let release: (() => void) | undefined
      const slow = openLog(
        wrapped(store, {
          async append(decide) {
            await new Promise<void>((resolve) => {
              release = resolve
            })
            return store.append(decide)
          },
        }),
        { clock },
      )
      const late = slow.audit.retain({ olderThan: 40_000 })
      await until(() => release)
      const { through } = await audit.retain({ olderThan: 10_000 })
      release!()

      expect((await late).through).toBe(through)
      expect((await audit.verify()).findings).toEqual([])
    })

    it('a verification that runs meanwhile finds nothing', async () => {
      const { audit } = await log()

      const [verification] = await Promise.all([audit.verify(), audit.retain({ olderThan: 10_000 })])

      expect(verification.findings).toEqual([])
    })

    it('a part of the log can be verified', async () => {
      const { audit } = await log()

      expect(await audit.verify({ from: 25 })).toMatchObject({ isIntact: true, from: 25, entries: 36 })
    })

    it('a verification tells how far it is, and stops when asked to', async () => {
      const { audit } = await log()
      const seen: unknown[] = []
      await audit.verify({ onProgress: (progress) => seen.push(progress) })
      expect(seen).toEqual([{ seq: 60, through: 60 }])

      await expect(audit.verify({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    })
  })
}
