import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import type { EventType, SojournEvent } from '../../src/core/events.ts'
import { catalogue, levelOf, rowOf, sentenceOf } from '../../src/monitor/catalogue.ts'
import { oneOfEach } from './one-of-each.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const types = Object.keys(catalogue) as EventType[]

describe('docs/guide/events.md', () => {
  const rows = new Map(
    read('docs/guide/events.md')
      .split('\n')
      .map((line) => /^\| `([a-z.-]+)` \|(.*)\|$/.exec(line))
      .filter((match) => match !== null)
      .map(([, type, rest]) => [type!, rest!.split(' | ').map((cell) => cell.trim())]),
  )
  const fields = fieldsOfTheUnion()

  it('has a row for each event of the union, and none for anything else', () => {
    expect([...rows.keys()].sort()).toEqual([...fields.keys()].sort())
    expect(types.slice().sort()).toEqual([...fields.keys()].sort())
  })

  it.each(types)('%s: says when, with exactly the fields, the level and the OWASP names of the code', (type) => {
    const [when, listed, level, owasp] = rows.get(type) ?? []
    const names = (cell: string | undefined, pattern: RegExp) => [...(cell ?? '').matchAll(pattern)].map(([, name]) => name)

    expect(when).not.toBe('')
    expect(names(listed?.replace(/\(.*?\)/g, ''), /`(\w+)`/g)).toEqual(fields.get(type))
    expect(level?.split(/[ ,]/)[0]).toBe(catalogue[type].level)
    expect(names(owasp, /`([a-z_]+)`/g)).toEqual(catalogue[type].owasp)
  })
})

describe('catalogue', () => {
  it.each(oneOfEach.map((event) => [event.type, event] as const))(
    '%s: one sentence, ending in a full stop, without names',
    (_, event) => {
      const named = { ...event, subject: 'SUBJECT', ...('actor' in event && { actor: 'ACTOR' }) } as SojournEvent

      const sentence = sentenceOf(named)

      expect(sentence).toMatch(/^['A-Z0-9].*[.)]$/s)
      expect(sentence).not.toMatch(/SUBJECT|ACTOR|undefined|null|NaN|\[object/)
    },
  )

  it('ECS fields are among those the schema allows together', () => {
    // Elastic Common Schema 8, "ECS Categorization Fields": expected `event.type` of each `event.category`.
    const allowed: Record<string, readonly string[]> = {
      authentication: ['start', 'end', 'info'],
      session: ['start', 'end', 'info'],
      iam: ['admin', 'change', 'creation', 'deletion', 'group', 'info', 'user'],
      configuration: ['access', 'change', 'creation', 'deletion', 'info'],
      intrusion_detection: ['allowed', 'denied', 'info'],
      database: ['access', 'change', 'info', 'error'],
      web: ['access', 'error', 'info'],
    }

    expect(types.filter((type) => !allowed[catalogue[type].ecs.category]?.includes(catalogue[type].ecs.type))).toEqual([])
  })

  it('OCSF activities are among those of their class', () => {
    const allowed: Record<number, readonly number[]> = {
      0: [0, 99],
      2004: [1, 2, 3, 99],
      3001: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99],
      3002: [1, 2, 3, 4, 5, 6, 99],
      3004: [1, 2, 3, 4, 99],
    }

    expect(types.filter((type) => !allowed[catalogue[type].ocsf.classUid]?.includes(catalogue[type].ocsf.activityId))).toEqual([])
  })

  it('a drift that is only noted, or only reported, is no alarm; one that ends the session is', () => {
    const drift = { type: 'traits.drifted', at: 1, changes: [], reason: 'Another browser.' } as const

    expect([
      levelOf({ ...drift, grade: 'note', isShadow: false }),
      levelOf({ ...drift, grade: 'revoke', isShadow: true }),
      levelOf({ ...drift, grade: 'rotate', isShadow: false }),
      levelOf({ ...drift, grade: 'revoke', isShadow: false }),
    ]).toEqual(['info', 'info', 'warn', 'critical'])
  })

  it('what was refused is never called a success', () => {
    const refusals = types.filter((type) =>
      /\.(refused|reused|sign-in-refused|used-after-end|logout-refused|failed|given-up)$/.test(type),
    )

    expect(refusals.filter((type) => rowOf({ type }).outcome !== 'failure')).toEqual([])
  })
})

/** The fields of each variant of `EventDetails`, as the source has them. */
function fieldsOfTheUnion(): Map<string, string[]> {
  const source = ts.createSourceFile('events.ts', read('src/core/events.ts'), ts.ScriptTarget.Latest, true)
  const fields = new Map<string, string[]>()
  source.forEachChild((node) => {
    if (!ts.isTypeAliasDeclaration(node) || node.name.text !== 'EventDetails' || !ts.isUnionTypeNode(node.type)) return
    for (const variant of node.type.types) {
      if (!ts.isTypeLiteralNode(variant)) throw new Error('a variant that this test does not understand')
      const names = variant.members.map((member) => member.name!.getText())
      const type = /'(.+)'/.exec(variant.members[0]!.getText())![1]!
      fields.set(type, names.slice(1))
    }
  })
  return fields
}
