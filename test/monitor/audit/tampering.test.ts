// The attacker: somebody with all rights on the database, and without the keys. Does: whatever SQL can do to the log. Must not: leave it looking whole.
import { createHash } from 'node:crypto'
import type { AuditCheckpoint, AuditLog, Finding } from 'sojourn/monitor/audit'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { engines, type Place } from './engines.ts'
import { FOREIGN_KEY, filled, OLDER_KEY, openLog } from './support.ts'

/** Kinds with the entries they are about. */
const told = (findings: readonly Finding[]) =>
  findings.map(({ kind, seq, through }) => `${kind} ${seq}${through > seq ? `-${through}` : ''}`)

/** The digest as `docs/guide/audit.md` describes it. */
const entryHash = (previous: string, body: string) =>
  createHash('sha256').update(`sojourn/audit/1/entry\0${previous.length}:${previous}${body.length}:${body}`).digest('base64url')

for (const engine of engines) {
  describe(`in ${engine.name}`, () => {
    beforeAll(() => engine.start())
    afterAll(() => engine.stop())

    /** A log of 35 entries with checkpoints, and the attacker's access to it. */
    async function log(): Promise<Place & { audit: AuditLog; kept: AuditCheckpoint[]; finds: () => Promise<string[]> }> {
      const place = await engine.place()
      const kept: AuditCheckpoint[] = []
      const { audit } = await filled(place.open(), 35, {
        checkpointEvery: 5,
        onCheckpoint: (checkpoint) => kept.push(checkpoint),
      })
      onTestFinished(async () => {
        await audit.close()
        await place.close()
      })
      return { ...place, audit, kept, finds: async () => told((await audit.verify()).findings) }
    }

    it('a log that nobody touched is whole', async () => {
      const { audit, kept } = await log()

      expect(await audit.verify({ anchor: kept.at(-1)! })).toMatchObject({
        isIntact: true,
        entries: 35,
        from: 1,
        through: 35,
        anchoredThrough: kept.at(-1)!.seq,
        checkpoints: kept.length,
        findings: [],
      })
      expect(kept.length).toBeGreaterThan(1)
    })

    it('an edited field is found, with its number and the times around it', async () => {
      const { run, audit } = await log()
      await run(`UPDATE sojourn_audit SET body = replace(body, 'logout', 'idle') WHERE seq = 17`)

      const { isIntact, findings } = await audit.verify()

      expect([isIntact, told(findings)]).toEqual([false, ['edited 17']])
      const [finding] = findings
      expect(finding!.what).toBe('Entry 17 was changed after it was written, or its hash was.')
      expect(finding!.laterAt! - finding!.earlierAt!).toBe(2000)
    })

    it('an edit with its hash computed anew is found at the entry behind it', async () => {
      const { run, rows, finds } = await log()
      const [before, entry] = (await rows('SELECT body, hash FROM sojourn_audit WHERE seq IN (16, 17) ORDER BY seq')) as {
        body: string
        hash: string
      }[]
      const body = entry!.body.replace('logout', 'idle')
      await run(`UPDATE sojourn_audit SET body = '${body}', hash = '${entryHash(before!.hash, body)}' WHERE seq = 17`)

      expect(await finds()).toEqual(['edited 18'])
    })

    it('a deleted entry is found', async () => {
      const { run, finds } = await log()
      await run('DELETE FROM sojourn_audit WHERE seq = 17')

      expect(await finds()).toEqual(['missing 17'])
    })

    it('the first entries cannot be removed as if retention had', async () => {
      const { run, finds } = await log()
      await run('DELETE FROM sojourn_audit WHERE seq <= 14', 'DELETE FROM sojourn_audit_checkpoints WHERE seq <= 14')

      const found = await finds()

      expect(found).toContain('missing 1-14')
    })

    it('the tail cut off is found: the head says where the log ends', async () => {
      const { run, finds } = await log()
      await run('DELETE FROM sojourn_audit WHERE seq > 30')

      expect(await finds()).toContain('truncated 31-35')
    })

    it('everything put back to an earlier state is found with an anchor, and cannot be without', async () => {
      const place = await engine.place()
      const kept: AuditCheckpoint[] = []
      const { audit, emit } = await filled(place.open(), 20, { onCheckpoint: (checkpoint) => kept.push(checkpoint) })
      onTestFinished(() => place.close())
      await audit.checkpoint()
      const early = await place.rows('SELECT * FROM sojourn_audit_state')
      const numbers = kept.at(-1)!.number
      emit({ type: 'session.reused', generation: 1, outcome: 'revoked', subject: 'ada' })
      await audit.drained()
      const last = (await audit.checkpoint())!
      const { head, head_signature } = early[0] as { head: string; head_signature: string }
      await place.run(
        'DELETE FROM sojourn_audit WHERE seq > 20',
        `DELETE FROM sojourn_audit_checkpoints WHERE number > ${numbers}`,
        `UPDATE sojourn_audit_state SET head = '${head}', head_signature = '${head_signature}'`,
      )

      expect(told((await audit.verify()).findings)).toEqual([])
      expect(told((await audit.verify({ anchor: last })).findings)).toEqual(['truncated 21'])
    })

    it('a log made anew by somebody who has the keys too is found with an anchor, and cannot be without', async () => {
      const { run, audit, kept, open } = await log()
      await run('DELETE FROM sojourn_audit', 'DELETE FROM sojourn_audit_checkpoints', 'DELETE FROM sojourn_audit_state')
      const insider = await filled(open(), 40)
      await insider.audit.close()

      expect(told((await audit.verify()).findings)).toEqual([])
      expect(told((await audit.verify({ anchor: kept[1]! })).findings)).toEqual([expect.stringMatching(/^rewritten /)])
    })

    it('the whole log removed is found with an anchor', async () => {
      const { run, audit, kept } = await log()
      await run('DELETE FROM sojourn_audit', 'DELETE FROM sojourn_audit_checkpoints', 'DELETE FROM sojourn_audit_state')

      expect(told((await audit.verify({ anchor: kept.at(-1)! })).findings)).toEqual([`truncated 1-${kept.at(-1)!.seq}`])
    })

    it('the next writer notices that the tail is missing, and leaves the gap as it is', async () => {
      const { run, finds, audit } = await log()
      await run('DELETE FROM sojourn_audit WHERE seq > 30')

      const { seq } = await audit.record({ action: 'console.looked', actor: 'root' })

      expect(seq).toBe(37)
      expect(await finds()).toEqual(['missing 31-35', 'restarted 36'])
    })

    it('two entries that changed places are found', async () => {
      const { run, finds } = await log()
      await run(
        'UPDATE sojourn_audit SET seq = 1000 WHERE seq = 11',
        'UPDATE sojourn_audit SET seq = 11 WHERE seq = 13',
        'UPDATE sojourn_audit SET seq = 13 WHERE seq = 1000',
      )

      expect(await finds()).toEqual(expect.arrayContaining(['moved 11', 'moved 13']))
    })

    it('an entry put in between is found', async () => {
      const { run, finds } = await log()
      const later = 'UPDATE sojourn_audit SET seq ='
      await run(
        `${later} seq + 1000 WHERE seq > 20`,
        `${later} seq - 999 WHERE seq > 1000`,
        `INSERT INTO sojourn_audit SELECT 21, at, type, session_id, subject_key, actor_key, body, hash FROM sojourn_audit WHERE seq = 20`,
      )

      const found = await finds()

      expect(found.some((text) => text.startsWith('moved 21'))).toBe(true)
      expect(found).toContain('added 36')
    })

    it('an entry put behind the end is found, and the next writer does not vouch for it', async () => {
      const { run, finds, audit } = await log()
      await run(
        `INSERT INTO sojourn_audit SELECT 36, at, type, session_id, subject_key, actor_key, body, hash FROM sojourn_audit WHERE seq = 35`,
      )
      expect(await finds()).toEqual(['added 36'])

      await audit.record({ action: 'console.looked', actor: 'root' })

      expect(await finds()).toEqual(expect.arrayContaining(['moved 36', 'restarted 37']))
    })

    it('an entry hidden from searches is found', async () => {
      const { run, finds } = await log()
      await run(
        `UPDATE sojourn_audit SET subject_key = 'nobody' WHERE seq = 9`,
        'UPDATE sojourn_audit SET at = at + 1 WHERE seq = 12',
      )

      expect(await finds()).toEqual(['hidden 9', 'hidden 12'])
    })

    it('an edited checkpoint is found', async () => {
      const { run, finds, kept } = await log()
      await run(`UPDATE sojourn_audit_checkpoints SET body = replace(body, '"at":', '"at":1') WHERE number = 1`)

      expect(await finds()).toContain(`checkpoint-forged ${kept[0]!.seq}`)
    })

    it('a checkpoint removed is found, in between and at the end', async () => {
      const between = await log()
      await between.run('DELETE FROM sojourn_audit_checkpoints WHERE number = 2')
      const last = await log()
      await last.run(`DELETE FROM sojourn_audit_checkpoints WHERE number = ${last.kept.at(-1)!.number}`)

      expect((await between.finds()).join()).toMatch(/^checkpoint-missing/)
      expect((await last.finds()).join()).toMatch(/^checkpoint-missing/)
    })

    it('everything written anew, with every hash right, is found by what was signed', async () => {
      const { run, rows, finds } = await log()
      const entries = (await rows('SELECT seq, body, hash FROM sojourn_audit ORDER BY seq')) as {
        seq: number
        body: string
        hash: string
      }[]
      let previous = entries[11]!.hash
      const statements = entries.slice(12).map(({ seq, body }) => {
        const forged = body.replace('"ada"', '"eve"')
        previous = entryHash(previous, forged)
        return `UPDATE sojourn_audit SET body = '${forged}', hash = '${previous}' WHERE seq = ${seq}`
      })
      await run(...statements)

      const found = await finds()

      expect(found.join()).toMatch(/rewritten/)
      expect(found.every((text) => /^(rewritten|hidden) /.test(text))).toBe(true)
      expect(found.some((text) => text.endsWith('-35'))).toBe(true)
    })

    it('everything written anew with a key of the attacker’s is found', async () => {
      const place = await engine.place()
      onTestFinished(() => place.close())
      const forger = await filled(place.open(), 12, { keys: FOREIGN_KEY })
      await forger.audit.close()
      const { audit } = openLog(place.open())
      onTestFinished(() => audit.close())

      const verification = await audit.verify()

      expect(verification.isIntact).toBe(false)
      expect(told(verification.findings)).toEqual(['head-of-unknown-key 1-12'])
    })

    it('a head that was removed or changed is found, and told by the next writer', async () => {
      const { run, finds, audit } = await log()
      await run(`UPDATE sojourn_audit_state SET head = replace(head, '"seq":35', '"seq":34')`)
      expect(await finds()).toContain('head-forged 1-35')
      const other = openLog((await engine.place()).open())
      onTestFinished(() => other.audit.close())

      const { seq } = await audit.record({ action: 'console.looked', actor: 'root' })

      expect(seq).toBe(37)
      expect(await finds()).toContain('restarted 36')
    })

    it('an event tells that a writer found the log damaged', async () => {
      const place = await engine.place()
      onTestFinished(() => place.close())
      const { audit, seen, sessions } = await filled(place.open(), 12)
      onTestFinished(() => audit.close())
      await place.run('DELETE FROM sojourn_audit_state')

      await audit.record({ action: 'console.looked', actor: 'root' })
      await sessions.events.drained()

      expect(seen.find(({ type }) => type === 'audit.tampered')).toMatchObject({ what: 'head-missing' })
    })

    it('a cut of somebody else’s does not pass for retention', async () => {
      const { run, finds } = await log()
      const cut = '{"at":1,"checkpoint":1,"checkpointHash":"x","hash":"x","key":"anybody","log":"x","seq":14,"v":1}'
      await run('DELETE FROM sojourn_audit WHERE seq <= 14', `UPDATE sojourn_audit_state SET cut = '${cut}', cut_signature = 'x'`)

      expect(await finds()).toEqual(expect.arrayContaining(['cut-forged 1', 'missing 1-14']))
    })

    it('text that comes to other bytes only in another encoding is another text', async () => {
      const { run, finds } = await log()
      await run(`UPDATE sojourn_audit SET body = replace(body, 'logout', 'l\u016fgout') WHERE seq = 17`)

      expect(await finds()).toEqual(['edited 17'])
    })

    it('an anchor that is none of ours is a finding, not a proof', async () => {
      const { audit, kept } = await log()

      const { findings } = await audit.verify({ anchor: { ...kept[0]!, body: kept[0]!.body.replace('"seq":', '"seq":1') } })

      expect(told(findings)).toEqual(['anchor-forged 1'])
    })

    it('what retention left is vouched for by the new key too, before the old one leaves the ring', async () => {
      const place = await engine.place()
      onTestFinished(() => place.close())
      const old = await filled(place.open(), 30, { keys: OLDER_KEY })
      expect((await old.audit.retain({ olderThan: 10_000 })).removed).toBeGreaterThan(0)
      await old.audit.close()
      const both = openLog(place.open(), { keys: [FOREIGN_KEY, OLDER_KEY] })
      await both.audit.record({ action: 'x', actor: 'root' })
      await both.audit.close()
      const without = openLog(place.open(), { keys: FOREIGN_KEY })
      onTestFinished(() => without.audit.close())

      expect(told((await without.audit.verify()).findings)).toEqual([])
    })

    it('a ring that got a new key goes on, and a key that left it is good as a trusted key', async () => {
      const place = await engine.place()
      onTestFinished(() => place.close())
      const old = await filled(place.open(), 12, { keys: OLDER_KEY })
      const [oldKey] = old.audit.publicKeys
      await old.audit.close()
      const both = await filled(place.open(), 12, { keys: [FOREIGN_KEY, OLDER_KEY] })
      await both.audit.close()
      const without = openLog(place.open(), { keys: FOREIGN_KEY })
      const trusting = openLog(place.open(), { keys: FOREIGN_KEY, trustedKeys: [oldKey!.publicKey] })

      const [first, second] = [await without.audit.verify(), await trusting.audit.verify()]

      expect([first.isIntact, first.uncheckedCheckpoints > 0]).toEqual([true, true])
      expect([second.isIntact, second.uncheckedCheckpoints]).toEqual([true, 0])
      await without.audit.close()
      await trusting.audit.close()
    })
  })
}
