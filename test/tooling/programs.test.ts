import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root, scratch } from './scratch.ts'

/** Programs that no machine has, as `scripts/programs.mjs` lists them. */
const lists = ['one', 'two'].map((name) => ({
  title: `The ${name}`,
  debianPackage: `sojourn-${name}`,
  names: [`sojourn-${name}`],
}))

/** Runs `code` with the exports of `scripts/programs.mjs` at hand; its value is the last line of the output. */
async function withPrograms(code: string, given: unknown): Promise<{ value: unknown; output: string }> {
  const script = `const p = await import(${JSON.stringify(join(root, 'scripts/programs.mjs'))})
    const given = ${JSON.stringify(given)}
    console.log(JSON.stringify(await (async () => { ${code} })()))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  await new Promise((resolve) => child.on('close', resolve))
  return { value: JSON.parse(output.trimEnd().split('\n').at(-1)!), output }
}

/** A machine whose apt-get does what `apt` says, a shell script run in the machine's folder; it notes its arguments in `calls`. */
function machine(apt: string, files: Record<string, string> = {}): { folder: string; options: object; calls: () => string[] } {
  const folder = scratch(files)
  const bin = scratch({ 'apt-get': `#!/bin/sh\ncd ${folder}\necho "$*" >> calls\n${apt}\n` })
  chmodSync(join(bin, 'apt-get'), 0o755)
  const path = [bin, folder, '/usr/bin', '/bin'].join(':')
  return {
    folder,
    options: { isRoot: true, path, policy: join(folder, 'policy-rc.d') },
    calls: () => (existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n') : []),
  }
}

const MAIN =
  'Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /keys/debian.gpg'
const SECURITY = 'Types: deb\nURIs: http://mirror.test/security\nSuites: bookworm-security\nComponents: main'
const install = 'return p.installPrograms(given.lists, given.options)'
const asked =
  'The tests need The one, The two: install what is missing (Debian: `sudo apt-get install sojourn-one sojourn-two`), then run `npm test` again.'

describe('programs that are missing', () => {
  test('are installed by one call as root, with a line of progress', async () => {
    const { options, calls } = machine('touch sojourn-one sojourn-two')

    const { value, output } = await withPrograms(install, { lists, options })

    expect(value).toEqual([])
    expect(calls()).toEqual(['install -y --no-install-recommends sojourn-one sojourn-two'])
    expect(output).toMatch(/^Installing sojourn-one, sojourn-two \.\.\.\nInstalling sojourn-one, sojourn-two: done/)
  })

  test('are tried again after the package lists were read', async () => {
    const { options, calls } = machine(
      '[ "$1" = update ] && touch lists\n[ -f lists ] || exit 100\ntouch sojourn-one sojourn-two',
    )

    const { value } = await withPrograms(install, { lists, options })

    expect(value).toEqual([])
    expect(calls().map((call) => call.split(' ')[0])).toEqual(['install', 'update', 'install'])
  })

  test('are told, with what to do, where the packages cannot be had', async () => {
    const { options } = machine('touch sojourn-one; echo "E: no route"; exit 100')

    const { value, output } = await withPrograms(install, { lists, options })

    expect(value).toMatchObject([{ title: 'The two' }])
    expect(output).toContain('E: no route')
    expect(output).toContain('(Debian: `sudo apt-get install sojourn-two`)')
  })

  test('are asked for in one sentence by who is not root, and nothing is installed', async () => {
    const { options, calls } = machine('touch sojourn-one sojourn-two')

    const { value, output } = await withPrograms(install, { lists, options: { ...options, isRoot: false } })

    expect(value).toHaveLength(2)
    expect(output.split('\n')[0]).toBe(asked)
    expect(calls()).toEqual([])
  })
})

describe('services of installed packages', () => {
  test.each([
    ['works', 'exit 0'],
    ['fails', 'exit 100'],
  ])('are not started, and the policy that says so is gone when apt-get %s', async (_case, end) => {
    const { folder, options } = machine(`./policy-rc.d sojourn-one start; echo $? >> answers\n${end}`)

    await withPrograms(install, { lists, options })

    expect(readFileSync(join(folder, 'answers'), 'utf8')).toMatch(/^(101\n)+$/)
    expect(existsSync(join(folder, 'policy-rc.d'))).toBe(false)
  })

  test.each([
    [
      'bookworm',
      'deb822',
      { 'debian.sources': `${MAIN}\n\n${SECURITY}` },
      `[signed-by=/keys/debian.gpg] http://mirror.test/debian`,
    ],
    ['bookworm', 'one line each', { 'a.list': `deb http://mirror.test/debian bookworm main\n` }, 'http://mirror.test/debian'],
  ])('come from the backports where the release itself has them not (%s, %s)', async (release, _, lists_, source) => {
    const etc = scratch({
      'os-release': `ID=debian\nVERSION_CODENAME=${release}\n`,
      ...Object.fromEntries(Object.entries(lists_).map(([name, text]) => [`apt/sources.list.d/${name}`, text])),
    })
    const { folder, options, calls } = machine(`
      list=$(echo "$*" | sed -n 's/.*sourcelist=\\([^ ]*\\).*/\\1/p')
      case "$*" in
        *install*sojourn-two) [ -n "$list" ] || exit 100; cp "$list" seen; touch sojourn-two ;;
        *install*sojourn-one) touch sojourn-one ;;
      esac`)
    const given = { lists: [lists[0], { ...lists[1], isInBackports: true }], options: { ...options, etc } }

    const { value } = await withPrograms(install, given)

    expect(value).toEqual([])
    expect(readFileSync(join(folder, 'seen'), 'utf8').trim()).toBe(`deb ${source} ${release}-backports main`)
    expect(existsSync(/sourcelist=(\S+)/.exec(calls().at(-1)!)![1]!)).toBe(false)
  })

  test('follow the policy of a machine that has one', async () => {
    const { folder, options } = machine('cp policy-rc.d seen', { 'policy-rc.d': 'its own' })

    await withPrograms(install, { lists, options })

    expect(readFileSync(join(folder, 'seen'), 'utf8')).toBe('its own')
    expect(readFileSync(join(folder, 'policy-rc.d'), 'utf8')).toBe('its own')
  })
})

describe('a filtered run needs only what its tests need', () => {
  // In two parts, so that this file does not seem to need a server itself.
  const plan = (name: string) => `export const plan = { ${'debian'}Package: '${name}' }`
  const clone = () =>
    scratch({
      'test/core/token.test.ts': "import { test } from 'vitest'",
      'test/stores/redis.test.ts': "import { plan } from '../servers/redis.ts'",
      'test/stores/deep.test.ts': "import {\n  a,\n} from './support.ts'",
      'test/stores/support.ts': "export { plan } from '../servers/postgres.ts'\nimport './support.ts'",
      'test/servers/redis.ts': plan('redis-server'),
      'test/servers/postgres.ts': plan('postgresql-15'),
    })

  test.each([
    [['test/core'], []],
    [['stores/redis'], ['Redis']],
    [['test/core', 'stores/deep'], ['PostgreSQL']],
    [['test/stores'], ['Redis', 'PostgreSQL']],
    [
      [],
      ['Chromium', 'Redis', 'Valkey', 'PostgreSQL', 'memcached', 'SASL for memcached', 'PgBouncer', 'nginx', 'certutil of NSS'],
    ],
  ])('%j: %j', async (filters, expected) => {
    const code = 'return p.programsNeededBy(given.filters, given.root).map(({ title }) => title)'

    const { value } = await withPrograms(code, { filters, root: clone() })

    expect(value).toEqual(expected)
  })

  test.each([
    ['test/stores/memcached/credentials', ['memcached', 'SASL for memcached']],
    ['test/browser/looks', ['Chromium']],
    ['test/browser/demo-tls', ['Chromium', 'certutil of NSS']],
    ['test/http/behind-nginx', ['nginx']],
    ['test/contract/redis', ['Redis']],
    ['test/contract/valkey', ['Redis', 'Valkey']],
    ['test/core/token', []],
  ])('in this repository: %s %j', async (filter, expected) => {
    const code = 'return p.programsNeededBy([given.filter], given.root).map(({ title }) => title)'

    const { value } = await withPrograms(code, { filter, root })

    expect(value).toEqual(expected)
  })
})
