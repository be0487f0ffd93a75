import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const pages = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'AGENTS.md', ...globSync('docs/**/*.md', { cwd: root })].filter(
  (page) => !page.startsWith('docs/reference/api/'),
)

describe('the documentation', () => {
  it.each(pages)('%s links only to what is there', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!)

    const broken = targets.filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(page), target)))

    expect(broken).toEqual([])
  })

  // An error that says where to read is of no use when the page is not there.
  it('has every page that an error message names', () => {
    const sources = globSync('src/**/*.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'))
    const named = new Set(sources.flatMap((source) => source.match(/docs\/[\w/-]+(?:\.md)?/g) ?? []))

    const missing = [...named].filter((page) => !existsSync(join(root, page)))

    expect(missing).toEqual([])
  })
})
