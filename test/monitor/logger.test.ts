import { inspect } from 'node:util'
import pino from 'pino'
import { minutes, seconds } from 'sojourn'
import { type Logger, logEvents } from 'sojourn/monitor/logger'
import { expect, it } from 'vitest'
import { setUp, thrownBy, tokenOf } from '../core/support.ts'

/** Real pino, writing to an array. */
function pinoLines() {
  const lines: string[] = []
  return { lines, logger: pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) }) }
}

function logged(options: Parameters<typeof logEvents>[2] = {}) {
  const service = setUp()
  const { lines, logger } = pinoLines()
  const stop = logEvents(service.sessions, logger, options)
  const parsed = async () => {
    await service.seen()
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  return { ...service, lines, parsed, stop }
}

const REUSED = { type: 'session.reused', generation: 1, outcome: 'revoked' } as const

it('each event is a line: its fields, its name in the vocabulary, a sentence', async () => {
  const { sessions, parsed, clock } = logged()

  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })

  expect(await parsed()).toEqual([
    {
      level: 30,
      type: 'session.started',
      at: clock(),
      subject: 'ada',
      sessionId: session.id,
      methods: ['pwd'],
      owasp: 'session_created',
      category: 'sign-in',
      msg: 'Signed in with pwd.',
    },
  ])
})

it('levels are those of the catalogue', async () => {
  const { sessions, parsed } = logged()

  sessions.events.emit({ type: 'session.expired', reason: 'idle' })
  sessions.events.emit({ type: 'token.refused', state: 'forged' })
  sessions.events.emit(REUSED)

  expect((await parsed()).map(({ level }) => level)).toEqual([30, 40, 50])
})

it('only as much as is wanted', async () => {
  const { sessions, parsed } = logged({ least: 'warn', except: ['token.refused'] })

  sessions.events.emit({ type: 'session.expired', reason: 'idle' })
  sessions.events.emit({ type: 'token.refused', state: 'forged' })
  sessions.events.emit(REUSED)

  expect((await parsed()).map(({ type }) => type)).toEqual(['session.reused'])
})

it.each([
  ['a line break', 'ada\n{"level":50,"msg":"all is well"}'],
  ['an escape sequence', 'ada\u001b[2J\u001b]0;owned\u0007'],
  ['a C1 control', 'ada\u009b2J'],
  ['a direction mark', 'ada\u202eadmin'],
  ['a line separator', 'ada\u2028bob'],
  ['nothing to be seen', 'ada\u200b\ufeff'],
])('%s in a subject is written out, whatever the logger does with it', async (_, subject) => {
  const { sessions, seen } = setUp()
  const seenFields: unknown[] = []
  const keep = (fields: object) => seenFields.push(fields)
  logEvents(sessions, { info: keep, warn: keep, error: keep })

  sessions.events.emit({ ...REUSED, subject })
  await seen()

  const kept = (seenFields[0] as { subject: string }).subject
  expect(kept).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)
  expect(kept).toContain('\\u')
})

it('ordinary names stay as they are', async () => {
  const { sessions, parsed } = logged()

  for (const subject of ['josé', '山田', 'o’neill', '😀']) sessions.events.emit({ ...REUSED, subject })

  expect((await parsed()).map(({ subject }) => subject)).toEqual(['josé', '山田', 'o’neill', '😀'])
})

it('a long text is cut', async () => {
  const { sessions, parsed } = logged()

  sessions.events.emit({ ...REUSED, subject: 'x'.repeat(100_000) })

  expect((await parsed())[0]!.subject).toHaveLength(1027)
})

it('a flood is so many lines a second; what is left out is counted, and the alarm is not', async () => {
  const { sessions, parsed, clock } = logged({ mostPerSecond: 10 })

  for (let i = 0; i < 500; i++) sessions.events.emit({ type: 'token.refused', state: 'forged' })
  sessions.events.emit(REUSED)
  await parsed()
  clock.advance(seconds(1))
  sessions.events.emit({ type: 'token.refused', state: 'forged' })

  const lines = await parsed()
  expect(lines).toHaveLength(13)
  expect(lines[10]).toMatchObject({ type: 'session.reused' })
  expect(lines[11]).toMatchObject({ type: 'log.skipped', count: 490, level: 40 })
})

it('a logger that throws harms nobody, and is counted', async () => {
  const { sessions, seen } = setUp()
  const fails = () => {
    throw new Error('the disk is full')
  }
  logEvents(sessions, { info: fails, warn: fails, error: fails })

  await sessions.signIn({ subject: 'ada', method: 'pwd' })
  await seen()

  expect(sessions.events.failed).toBe(1)
})

it('stops when told to', async () => {
  const { sessions, parsed, stop } = logged()

  stop()
  sessions.events.emit(REUSED)

  expect(await parsed()).toEqual([])
})

it('a token is in no line, from a whole life with everything going wrong', async () => {
  const { sessions, lines, seen, clock, store } = logged()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const first = await tokenOf(session)
  const again = await sessions.read(first)
  await again.rotate()
  const second = await tokenOf(again)
  await sessions.read(second)
  clock.advance(minutes(1))
  await sessions.read(first)
  await sessions.read(second)
  await sessions.read(`${first.slice(0, -1)}${first.endsWith('A') ? 'Q' : 'A'}`)
  store.setFaults({ read: { kind: 'error', error: new Error(`cannot read ${second}`) } })
  await sessions.read(second).catch(() => {})
  await seen()

  const text = lines.join('') + inspect(lines)
  const needles = [first, second].flatMap((token) => {
    const secret = Buffer.from(token.slice(5), 'base64url').subarray(16, 48)
    return [token.slice(30, 60), secret.toString('hex').slice(0, 24), secret.toString('base64').slice(0, 20)]
  })
  expect(lines.length).toBeGreaterThan(4)
  expect(needles.filter((needle) => text.includes(needle))).toEqual([])
})

it.each<[string, unknown, unknown]>([
  ['no logger', undefined, {}],
  ['a logger without error', { info() {}, warn() {} }, {}],
  ['a level there is not', pinoLines().logger, { least: 'loud' }],
  ['an event there is not', pinoLines().logger, { except: ['session.stolen'] }],
  ['no lines at all', pinoLines().logger, { mostPerSecond: 0 }],
  ['an option there is not', pinoLines().logger, { level: 'warn' }],
])('%s is refused at start-up', (_, logger, options) => {
  const { sessions } = setUp()

  expect(thrownBy(() => logEvents(sessions, logger as Logger, options as object)).code).toBe('ERR_CONFIG_INVALID')
})
