import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..')

/** What Node loads for the entry, by a hook that writes down each file. */
function loaded(): string[] {
  const script = `import { registerHooks } from 'node:module'
    const urls = []
    registerHooks({ load(url, context, next) { urls.push(url); return next(url, context) } })
    await import(${JSON.stringify(join(root, 'src/tokens/verify.ts'))})
    process.stdout.write(JSON.stringify(urls))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const folder = new URL(`file://${root}/`).href
  return (JSON.parse(output) as string[]).filter((url) => url.startsWith(folder)).map((url) => url.slice(folder.length))
}

test('the entry loads nothing of sessions and stores, and few files at all', () => {
  const files = loaded()

  expect(files).toContain('src/tokens/verify.ts')
  expect(files.filter((file) => !/^src\/tokens\/(?:verify\.ts|verify\/|dpop\/)/.test(file)).sort()).toEqual([
    'src/core/assurance.ts',
    'src/core/circuit-breaker.ts',
    'src/core/clock.ts',
    'src/core/crypto.ts',
    'src/core/duration.ts',
    'src/core/errors.ts',
    'src/core/placement.ts',
    'src/http/request-facts.ts',
  ])
})
