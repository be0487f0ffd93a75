import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'

const core = new URL('../../src/core/', import.meta.url)
const sources = readdirSync(core).map((name) => ({ name, text: readFileSync(new URL(name, core), 'utf8') }))

it('the system clock tells the time in epoch milliseconds', () => {
  expect(Math.abs(systemClock() - Date.now())).toBeLessThan(1000)
})

it('core reads the system’s clock in one file only', () => {
  const readers = sources.filter(({ text }) => /Date\.now\(|new Date\(|performance\.now/.test(text)).map(({ name }) => name)

  expect(readers).toEqual(['clock.ts'])
})

it('core uses no random source but the one handed in', () => {
  expect(sources.filter(({ text }) => /Math\.random|randomUUID|randomBytes|getRandomValues/.test(text))).toEqual([])
})
