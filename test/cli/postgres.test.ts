import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { postgresOutboxSchema } from 'sojourn/oidc/stores/postgres'
import { postgresFactorSchema } from 'sojourn/stepup/stores/postgres'
import { postgresSchema } from 'sojourn/stores/postgres'
import { describe, expect, it } from 'vitest'

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
const sojourn = (...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=sojourn-source', main, ...args], { encoding: 'utf8' })

describe('sojourn postgres', () => {
  it('prints the script that the docs show and test/stores/postgres/schema.test.ts runs', () => {
    expect(sojourn('postgres')).toMatchObject({ stdout: postgresSchema(), status: 0 })
  })

  it('prints it for tables of other names', () => {
    const { stdout, status } = sojourn('postgres', '--schema', 'web', '--table-prefix', 'shop_')

    expect({ stdout, status }).toEqual({ stdout: postgresSchema({ schema: 'web', tablePrefix: 'shop_' }), status: 0 })
  })

  it('prints the one for factors', () => {
    const { stdout, status } = sojourn('postgres', '--factors', '--schema', 'web')

    expect({ stdout, status }).toEqual({ stdout: postgresFactorSchema({ schema: 'web' }), status: 0 })
  })

  it('prints the one for an outbox', () => {
    const { stdout, status } = sojourn('postgres', '--outbox', '--table-prefix', 'shop_')

    expect({ stdout, status }).toEqual({ stdout: postgresOutboxSchema({ tablePrefix: 'shop_' }), status: 0 })
  })

  it.each([['--factors', '--outbox'], ['--shcema', 'web'], ['web'], ['--schema', 'web; DROP TABLE people'], ['--schema']])(
    'prints no SQL when given %s %s, and says what it expects',
    (...args) => {
      const { stdout, stderr, status } = sojourn('postgres', ...args)

      expect({ stdout, status }).toEqual({ stdout: '', status: 2 })
      expect(stderr).toContain('Expected --factors or --outbox, --schema NAME')
    },
  )
})
