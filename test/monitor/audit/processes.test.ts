import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { engines, type Place } from './engines.ts'
import { openLog } from './support.ts'

function start({ env }: Place, name: string, count: number) {
  const args = ['--conditions=sojourn-source', '--no-warnings', join(import.meta.dirname, 'process.ts'), name, String(count)]
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, lines: createInterface(child.stdout), ended: once(child, 'exit') }
}

for (const engine of engines) {
  describe(`in ${engine.name}`, () => {
    beforeAll(() => engine.start())
    afterAll(() => engine.stop())

    it('processes that append at once write one log: every entry once, each process’s in its order', {
      timeout: 60_000,
    }, async () => {
      const place = await engine.place()
      onTestFinished(() => place.close())
      place.open()
      const children = ['one', 'two', 'three'].map((name) => start(place, name, 60))
      const codes = await Promise.all(children.map(async ({ ended }) => (await ended)[0]))
      const { audit } = openLog(place.open())
      onTestFinished(() => audit.close())

      const verification = await audit.verify()
      const { entries } = await audit.search({ types: ['session.revoked'], limit: 500 })

      expect(codes).toEqual([0, 0, 0])
      expect(verification).toMatchObject({ isIntact: true, entries: 3 * (60 + 12) })
      for (const name of ['one', 'two', 'three']) {
        const own = entries.filter(({ actor }) => actor === name).sort((a, b) => a.seq - b.seq)
        expect(own.map(({ subject }) => subject)).toEqual(Array.from({ length: 60 }, (_, i) => `${name}-${i}`))
      }
    })

    it('a process killed while it appends leaves a whole log with everything it knew to be written', {
      timeout: 60_000,
    }, async () => {
      const place = await engine.place()
      onTestFinished(() => place.close())
      place.open()
      const { audit } = openLog(place.open())
      onTestFinished(() => audit.close())
      for (const round of ['first', 'second', 'third']) {
        const { child, lines, ended } = start(place, round, 0)
        let known = 0
        let said = 0
        for await (const line of lines) {
          known = Number(line)
          if (++said === 8) child.kill('SIGKILL')
        }
        await ended

        const { isIntact, through, findings } = await audit.verify()

        expect([isIntact, findings]).toEqual([true, []])
        expect(through).toBeGreaterThanOrEqual(known)
      }
      expect((await audit.record({ action: 'test.after', actor: 'root' })).seq).toBeGreaterThan(0)
    })
  })
}
