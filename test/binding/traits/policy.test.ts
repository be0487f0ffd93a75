import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type Change,
  canRevoke,
  type Grade,
  gradeOf,
  presets,
  reasonOf,
  resolvePolicy,
} from '../../../src/binding/traits/policy.ts'
import { thrownBy } from '../../core/support.ts'

const GRADES: Grade[] = ['allow', 'note', 'rotate', 'step-up', 'revoke']
const CHANGES = Object.keys(presets.standard).filter((name) => name !== 'together') as Change[]
const strictness = (grade: Grade) => GRADES.indexOf(grade)

it('the default: an update is a note, a new system or family ends the session, a phone moves freely', () => {
  const policy = resolvePolicy()
  const grades = (['browser-update', 'os', 'browser', 'phone-network', 'asn', 'country', 'browser-downgrade'] as const).map(
    (change) => gradeOf(policy, [change]),
  )

  expect(grades).toEqual(['note', 'revoke', 'revoke', 'allow', 'note', 'step-up', 'step-up'])
})

it('no preset is milder about anything than one before it', () => {
  const order = [presets.lenient, presets.standard, presets.strict]
  fc.assert(
    fc.property(fc.subarray(CHANGES), (changes) => {
      const [lenient, standard, strict] = order.map((policy) => strictness(gradeOf(policy, changes)))
      return lenient! <= standard! && standard! <= strict!
    }),
  )
})

it('of several changes at once the strictest counts, and one more never makes it milder', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(presets)),
      fc.subarray(CHANGES),
      fc.constantFrom(...CHANGES),
      (policy, some, more) => {
        const before = strictness(gradeOf(policy, some))
        const after = strictness(gradeOf(policy, [...some, more]))
        return (
          after >= before && after >= strictness(policy[more]) && some.every((change) => before >= strictness(policy[change]))
        )
      },
    ),
  )
})

it('two changes may be worse together than each alone', () => {
  const policy = resolvePolicy({ together: [{ changes: ['browser-update', 'network'], grade: 'revoke' }] })

  expect([['browser-update'], ['network'], ['network', 'browser-update']].map((all) => gradeOf(policy, all as Change[]))).toEqual(
    ['note', 'rotate', 'revoke'],
  )
  expect(gradeOf(presets.standard, ['hints-missing', 'network'])).toBe('step-up')
})

it('nothing changed is nothing done', () => {
  expect([gradeOf(presets.strict, []), reasonOf([])]).toEqual(['allow', ''])
})

it('what a table leaves out is as in the standard preset', () => {
  expect(resolvePolicy({ country: 'note' })).toEqual({ ...presets.standard, country: 'note' })
})

it('every change has a sentence of its own, without a value in it', () => {
  const sentences = CHANGES.map((change) => reasonOf([change]))

  expect(new Set(sentences).size).toBe(CHANGES.length)
  expect(sentences.filter((sentence) => !/^[A-Z][a-z ,]+\.$/.test(sentence))).toEqual([])
})

it.each([
  ['a change that nobody knows', { contry: 'note' }],
  ['a grade that nobody knows', { country: 'warn' }],
  ['a grade that is missing', { country: undefined }],
  ['an empty combination', { together: [{ changes: [], grade: 'revoke' }] }],
  ['a combination of unknown changes', { together: [{ changes: ['ip'], grade: 'revoke' }] }],
  ['a combination without a grade', { together: [{ changes: ['os'] }] }],
  ['combinations that are no list', { together: 'all' }],
  ['null', null],
  ['the name of a preset', 'strict'],
])('%s is refused at start-up: it would guard nothing', (_, given) => {
  expect(thrownBy(() => resolvePolicy(given))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
})

it('only the lenient preset ends no session', () => {
  expect(Object.values(presets).map(canRevoke)).toEqual([false, true, true])
  expect(canRevoke({ ...presets.lenient, together: [{ changes: ['os'], grade: 'revoke' }] })).toBe(true)
})

it('the guide says of each preset what it does', () => {
  const guide = readFileSync(new URL('../../../docs/guide/traits.md', import.meta.url), 'utf8')
  const rows = [...guide.matchAll(/^\| `([a-z-]+)` \| [^|]+ \| ([a-z-]+) \| ([a-z-]+) \| ([a-z-]+) \|$/gm)]
  const { lenient, standard, strict } = presets
  const table = (change: Change) => [change, lenient[change], standard[change], strict[change]]

  expect(rows.map(([, ...cells]) => cells)).toEqual(CHANGES.map(table))
  const together = /^\| together \| .* \| ([a-z-]+) \| ([a-z-]+) \| ([a-z-]+) \|$/m.exec(guide)!.slice(1)
  expect(together).toEqual([lenient, standard, strict].map((preset) => preset.together[0]!.grade))
})
