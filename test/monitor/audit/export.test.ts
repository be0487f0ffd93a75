import { createHash, createPublicKey, verify } from 'node:crypto'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { codeOf } from '../../core/support.ts'
import { oneOfEach } from '../one-of-each.ts'
import { openLog, sessionId } from './support.ts'

type Json = Record<string, unknown>

/** A log with one event of each type, and entries of the console's. */
async function log() {
  const store = sqliteAuditStore(':memory:')
  const opened = openLog(store, { checkpointEvery: 10, records: () => true })
  onTestFinished(async () => {
    await opened.audit.close()
    await store.close()
  })
  for (const event of oneOfEach) {
    opened.emit(event)
    opened.emit({ ...event, subject: 'ada\u202e<b>\r\n', sessionId: sessionId(1) } as typeof event)
    await opened.audit.drained()
  }
  await opened.audit.record({ action: 'console.session-ended', actor: 'root', subject: 'ada', reason: 'Stolen laptop.' })
  return opened
}

async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

describe('export', () => {
  it.each(['json', 'ecs', 'ocsf'] as const)('%s: each line is one line of printable ASCII', async (format) => {
    const { audit } = await log()

    const lines = await linesOf(audit.export({ format }))

    expect(lines.length).toBeGreaterThan(100)
    expect(lines.filter((line) => !/^\{[\x20-\x7e]*\}\n$/.test(line))).toEqual([])
  })

  it('an outsider with a public key can check it by the documentation alone', async () => {
    const { audit } = await log()
    await audit.checkpoint()
    const lines = await linesOf(audit.export())
    const digest = (what: string, ...parts: string[]) =>
      createHash('sha256')
        .update(`sojourn/audit/1/${what}\0${parts.map((part) => `${part.length}:${part}`).join('')}`)
        .digest('base64url')
    const key = createPublicKey(audit.publicKeys[0]!.pem)
    const parsed = lines.map((line) => JSON.parse(line) as Json)
    const { log: name } = parsed.find(({ checkpoint }) => checkpoint !== undefined)!.checkpoint as Json

    let hash = digest('log', String(name))
    let checked = 0
    for (const [i, line] of lines.entries()) {
      const { entry, signature } = parsed[i]!
      if (entry !== undefined) {
        hash = digest('entry', hash, /^\{"entry":(.*),"hash":"[^"]*"\}\n$/.exec(line)![1]!)
        expect(parsed[i]!.hash).toBe(hash)
        continue
      }
      const body = /^\{"checkpoint":(.*),"signature":"[^"]*"\}\n$/.exec(line)![1]!
      const isSigned = verify(
        null,
        Buffer.from(`sojourn/audit/1/signed/checkpoint\0${body}`),
        key,
        Buffer.from(String(signature), 'base64url'),
      )
      expect([isSigned, (JSON.parse(body) as Json).hash]).toEqual([true, hash])
      checked++
    }
    expect(checked).toBeGreaterThan(5)
  })

  it.each(['json', 'ecs', 'ocsf'] as const)('%s: goes on where an earlier one ended, without a gap', async (format) => {
    const { audit } = await log()
    const seqOf = (line: string) => {
      const parsed = JSON.parse(line)
      return (parsed.entry?.seq ?? parsed.event?.sequence ?? parsed.metadata?.sequence) as number | undefined
    }
    const numbers = (lines: string[]) => lines.map(seqOf).filter((seq) => seq !== undefined)
    const all = numbers(await linesOf(audit.export({ format })))

    const first = numbers(await linesOf(audit.export({ format, through: 40 })))
    const second = numbers(await linesOf(audit.export({ format, after: 40 })))

    expect(first.at(-1)).toBe(40)
    expect([...first, ...second]).toEqual(all)
    expect(all).toEqual(Array.from({ length: all.length }, (_, i) => i + 1))
  })

  it('a format there is not is misuse', async () => {
    const { audit } = await log()

    expect(await codeOf(linesOf(audit.export({ format: 'cef' as never })))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('ECS 8', () => {
  // Elastic Common Schema 8.17, field reference: the fields this library sets, with their types there.
  const schema: Record<string, (value: unknown) => boolean> = {
    '@timestamp': (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(value)),
    'ecs.version': (value) => /^8\./.test(String(value)),
    'event.kind': (value) => ['alert', 'event'].includes(String(value)),
    'event.category': isKeywords,
    'event.type': isKeywords,
    'event.action': isKeyword,
    'event.outcome': (value) => ['success', 'failure', 'unknown'].includes(String(value)),
    'event.provider': isKeyword,
    'event.dataset': isKeyword,
    'event.module': isKeyword,
    'event.sequence': Number.isSafeInteger,
    'event.severity': Number.isSafeInteger,
    'event.hash': isKeyword,
    'event.reason': isKeyword,
    'log.level': isKeyword,
    message: isKeyword,
    'user.id': isKeyword,
    'user.target.id': isKeyword,
  }

  it('has only fields of the schema, of their types; everything else is under `sojourn`', async () => {
    const { audit } = await log()
    const entries = (await linesOf(audit.export({ format: 'ecs' }))).map((line) => JSON.parse(line) as Json)

    const wrong = entries.flatMap((entry) =>
      fieldsOf(entry).filter(([path, value]) => !path.startsWith('sojourn.') && schema[path]?.(value) !== true),
    )

    expect(wrong).toEqual([])
    expect(entries.at(-1)).toMatchObject({
      event: { action: 'console.session-ended', category: ['iam'], type: ['admin'], reason: 'Stolen laptop.' },
      user: { id: 'root', target: { id: 'ada' } },
    })
    expect(entries[1]).toMatchObject({
      user: { id: 'ada\u202e<b>\r\n' },
      sojourn: { session: { id: sessionId(1) } },
      event: { outcome: 'success' },
    })
  })
})

describe('OCSF 1.3', () => {
  // OCSF 1.3.0: what every class has, and what each of ours needs, may have, and allows as activity.
  const common = [
    'activity_id',
    'activity_name',
    'category_uid',
    'class_uid',
    'type_uid',
    'time',
    'severity_id',
    'status_id',
    'status_detail',
    'count',
    'message',
    'metadata',
    'unmapped',
  ]
  const classes: Record<number, { needs: string[]; may: string[]; activities: number[]; category: number }> = {
    0: { needs: [], may: ['actor'], activities: [0, 99], category: 0 },
    2004: { needs: ['finding_info'], may: ['actor', 'evidences'], activities: [0, 1, 2, 3, 99], category: 2 },
    3001: { needs: ['user'], may: ['actor'], activities: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99], category: 3 },
    3002: { needs: ['user', 'service'], may: ['actor', 'session'], activities: [0, 1, 2, 3, 4, 5, 6, 99], category: 3 },
    3004: { needs: ['entity'], may: ['actor', 'comment'], activities: [0, 1, 2, 3, 4, 99], category: 3 },
  }

  it('has the attributes that its class needs, and no others', async () => {
    const { audit } = await log()
    const events = (await linesOf(audit.export({ format: 'ocsf' }))).map((line) => JSON.parse(line) as Json)

    const problems = events.flatMap((event) => {
      const rule = classes[Number(event.class_uid)]
      if (rule === undefined) return [`no class ${event.class_uid}`]
      const missing = [
        ...rule.needs,
        'activity_id',
        'category_uid',
        'class_uid',
        'type_uid',
        'time',
        'severity_id',
        'metadata',
      ].filter((name) => event[name] === undefined)
      const unknown = Object.keys(event).filter((name) => ![...common, ...rule.needs, ...rule.may].includes(name))
      const isTyped =
        event.type_uid === Number(event.class_uid) * 100 + Number(event.activity_id) &&
        event.category_uid === rule.category &&
        rule.activities.includes(Number(event.activity_id)) &&
        Number.isSafeInteger(event.time) &&
        [0, 1, 2, 3, 4, 5, 6, 99].includes(Number(event.severity_id)) &&
        [0, 1, 2, 99].includes(Number(event.status_id))
      return [...missing, ...unknown, ...(isTyped ? [] : ['types'])].map(
        (what) => `${(event.metadata as Json).event_code}: ${what}`,
      )
    })

    expect(problems).toEqual([])
    expect(new Set(events.map((event) => event.class_uid))).toEqual(new Set([0, 2004, 3001, 3002, 3004]))
    for (const { metadata } of events)
      expect(metadata).toMatchObject({ version: '1.3.0', product: { name: 'Sojourn', vendor_name: 'Sojourn' } })
  })
})

/** Paths and values of the leaves; arrays are leaves. */
function fieldsOf(value: Json, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([name, inner]): [string, unknown][] =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? fieldsOf(inner as Json, `${prefix}${name}.`)
      : [[`${prefix}${name}`, inner]],
  )
}

function isKeyword(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isKeywords(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isKeyword)
}
