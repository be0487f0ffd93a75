import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createSessions } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it } from 'vitest'

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
const sojourn = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })

describe('sojourn keys', () => {
  it('prints a key that createSessions takes', () => {
    const { stdout, status } = sojourn('keys')

    expect(status).toBe(0)
    expect(() => createSessions({ store: memoryStore(), keys: stdout.trim() })).not.toThrow()
  })

  it('prints another key each time', () => {
    expect(sojourn('keys').stdout).not.toBe(sojourn('keys').stdout)
  })

  it('prints as many as asked for, in the form that SESSION_KEYS takes', () => {
    const { stdout } = sojourn('keys', '--count', '3')

    expect(createSessions({ store: memoryStore(), keys: stdout.trim() }).describePolicy().keysInRing).toBe(3)
  })

  it.each([['--count', '0'], ['--count', 'many'], ['--count'], ['--cuont', '3']])(
    'says what it expects when given %s %s',
    (...args) => {
      const { stdout, stderr, status } = sojourn('keys', ...args)

      expect({ stdout, status }).toEqual({ stdout: '', status: 2 })
      expect(stderr).toContain('expected')
    },
  )

  it('lists the commands when there is none of that name, also not one that every object has', () => {
    const { stderr, status } = sojourn('constructor')

    expect(status).toBe(2)
    expect(stderr).toContain('sojourn keys')
  })
})
