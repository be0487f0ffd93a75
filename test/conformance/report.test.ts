// docs/reference/conformance.md is the table of what is shown, what is the application's, and what comes later. This keeps it true.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { IDS } from './ids.ts'

const here = fileURLToPath(new URL('./', import.meta.url))
const page = readFileSync(new URL('../../docs/reference/conformance.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| ([A-Z]+-\S+) \| (LIB|BOTH|APP|INFO)?(.*?) \| (.*) \|$/gm)].map(([, id, , , status]) => ({
  id: id!,
  status: status!,
  files: [...status!.matchAll(/\]\(\.\.\/\.\.\/(test\/conformance\/[^)]+)\)/g)].map(([, file]) => file!),
}))
const shown = rows.filter(({ status }) => status.startsWith('shown: '))
const tests = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && file !== 'report.test.ts')
  .map((file) => ({ file: `test/conformance/${file}`, text: readFileSync(`${here}${file}`, 'utf8') }))
/** Ids in the names of tests, and in the tables that names are made from. */
const idsOf = (text: string) =>
  [
    ...text.matchAll(
      /'((?:ASVS|WA|OTP|STEP|WSTG|SMCS|CT|CSRF|FM|ORG|NIST|COOK|CSD|CHIPS|DBSC|DPOP|OPQ|AT|INTRO|REV|JWT|PQ|BFF|BCP|BCL|FCL|RPL|OSM|LOG)-[\w.\-/]*\w)(?=[:'])/g,
    ),
  ].map(([, id]) => id!)

it('every requirement has exactly one row, and no row is made up', () => {
  expect(rows.map(({ id }) => id).toSorted()).toEqual([...IDS].toSorted())
})

it('every row says that it is shown, the application’s, or part of what comes later, and why', () => {
  expect(rows.filter(({ status }) => !/^(shown: \[|application: \w|later, part [2-7]: \w)/.test(status))).toEqual([])
})

it('every row that is shown links a test that has its id', () => {
  const missing = shown.filter(
    ({ id, files }) =>
      files.length === 0 || !files.every((file) => tests.some((test) => test.file === file && idsOf(test.text).includes(id))),
  )

  expect(missing).toEqual([])
})

it('every id a test shows is shown on the page, with that test', () => {
  const unsaid = tests.flatMap(({ file, text }) =>
    idsOf(text)
      .filter((id) => !shown.some((row) => row.id === id && row.files.includes(file)))
      .map((id) => `${id} in ${file}`),
  )

  expect(unsaid).toEqual([])
})

it('every link leads to a file', () => {
  const links = [...page.matchAll(/\]\((\.\.\/\.\.\/[^)]+)\)/g)].map(([, link]) =>
    fileURLToPath(new URL(`../../docs/reference/${link}`, import.meta.url)),
  )

  expect([links.length > 100, links.filter((link) => !existsSync(link))]).toEqual([true, []])
})

it('no requirement that is the library’s alone is left to the application, but for what it cannot have', () => {
  const left = page
    .split('\n')
    .filter((line) => /\| LIB \| application:/.test(line))
    .map((line) => line.split(' | ')[0])

  expect(left).toEqual(['| ASVS-11.4.2'])
})
