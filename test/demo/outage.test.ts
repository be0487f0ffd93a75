import { once } from 'node:events'
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { Client } from './client.ts'
import { demoForTest, runDemo, temporaryFolder } from './demo-process.ts'

describe('a store that is away', () => {
  it('is a 503 in words and in JSON while it is locked, and nobody is signed out by it', async () => {
    const folder = temporaryFolder()
    const demo = await demoForTest({ folder })
    const client = new Client(demo.url)
    await client.signIn()
    const lock = new DatabaseSync(join(folder, 'sessions.db'))
    lock.exec('BEGIN IMMEDIATE')

    const [health, put, signIn, page] = await Promise.all([
      client.api('/healthz'),
      client.put('b1', 1),
      new Client(demo.url).signIn('grace'),
      client.page('/basket/b1/add', { form: {} }),
    ])
    lock.exec('ROLLBACK')
    lock.close()

    expect(health.status).toBe(503)
    expect(health.json).toEqual({ ok: false, store: 'sqlite' })
    for (const answer of [put, signIn]) {
      expect(answer.status).toBe(503)
      expect(answer.json).toEqual({ error: expect.stringContaining('not signed out') })
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(answer.headers.getSetCookie()).toEqual([])
    }
    expect(page.status).toBe(503)
    expect(page.text).toContain('You are not signed out')
    expect((await client.api('/me')).status).toBe(200)
    expect((await client.api('/healthz')).json).toEqual({ ok: true, store: 'sqlite' })
  })

  it('is a 503 as well when it is the readers who cannot be looked up', async () => {
    const folder = temporaryFolder()
    const demo = await demoForTest({ folder })
    const lock = new DatabaseSync(join(folder, 'readers.db'))
    lock.exec('BEGIN EXCLUSIVE')

    const during = await new Client(demo.url).signIn()
    lock.close()
    const after = await new Client(demo.url).signIn()

    expect(during.status).toBe(503)
    expect(after.status).toBe(200)
  })

  it('is noticed when the file is gone', async () => {
    const folder = temporaryFolder()
    const demo = await demoForTest({ folder })
    const path = join(folder, 'sessions.db')
    renameSync(path, `${path}.away`)

    const away = await new Client(demo.url).api('/healthz')
    renameSync(`${path}.away`, path)
    const back = await new Client(demo.url).api('/healthz')

    expect(away.status).toBe(503)
    expect(back.status).toBe(200)
  })

  it('is a 503 for whoever has a session when its tables are gone, and says nothing of it', async () => {
    const folder = temporaryFolder()
    const demo = await demoForTest({ folder })
    const client = new Client(demo.url)
    await client.signIn()
    const vandal = new DatabaseSync(join(folder, 'sessions.db'))
    const tables = vandal.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all()
    for (const { name } of tables) vandal.exec(`DROP TABLE "${name}"`)
    vandal.close()

    const me = await client.api('/me')
    const page = await client.page('/me')

    expect(me.status).toBe(503)
    expect(me.json).toEqual({ error: expect.any(String) })
    expect(page.status).toBe(503)
    expect(`${me.text}${page.text}`).not.toMatch(/sqlite|database|\.db|Error:/i)
  })
})

describe('at start', () => {
  async function failing(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
    const child = runDemo(env)
    await once(child, 'close')
    return { code: child.exitCode, output: child.output().trim() }
  }

  it('says what it opened, for whom and where the data is', async () => {
    const folder = temporaryFolder()
    const demo = await demoForTest({ folder })

    expect(demo.output()).toContain(`http://localhost:${demo.port}`)
    expect(demo.output()).toContain('ada or grace')
    expect(demo.output()).toContain('correct horse battery staple')
    expect(demo.output()).toContain(folder)
    expect((await fetch(`http://localhost:${demo.port}/healthz`)).status).toBe(200)
  })

  it('keeps its key where only its owner reads it', async () => {
    const folder = temporaryFolder()
    await demoForTest({ folder })

    expect(statSync(join(folder, 'session.key')).mode & 0o777).toBe(0o600)
    for (const file of ['sessions.db', 'readers.db']) expect(statSync(join(folder, file)).mode & 0o077, file).toBe(0)
  })

  it('takes keys from the environment and then keeps none', async () => {
    const folder = temporaryFolder()
    await demoForTest({ folder, env: { SESSION_KEYS: 'k3Jx0lqkYwVtN1m4u8ZpQeRfSgThUiVjWkXlYmZnAo0' } })

    expect(() => statSync(join(folder, 'session.key'))).toThrow()
  })

  it('a port in use is one sentence that says what to do', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }

    const { code, output } = await failing({ PORT: String(port), DEMO_DATA: temporaryFolder() })
    server.close()

    expect(code).toBe(1)
    expect(output).toBe(
      `Port ${port} is in use by another program; stop that, or choose another port: PORT=${port + 1} npm start.`,
    )
  })

  it.each([
    [
      'a folder that cannot be',
      (folder: string) => ({ DEMO_DATA: join(folder, 'file', 'data') }),
      /^The data folder .* cannot be written \(ENOTDIR\); name one that can: DEMO_DATA=\S+ npm start\.$/,
    ],
    [
      'a port that is none',
      (folder: string) => ({ DEMO_DATA: folder, PORT: 'http' }),
      /^PORT is not a port number; set it to [^.]*\.$/,
    ],
    ['a port beyond the last', (folder: string) => ({ DEMO_DATA: folder, PORT: '65536' }), /^PORT is not a port number/],
    ['keys that are none', (folder: string) => ({ DEMO_DATA: folder, PORT: '0', SESSION_KEYS: 'secret' }), /keys/],
    [
      'a duration that is none',
      (folder: string) => ({ DEMO_DATA: folder, DEMO_IDLE_SECONDS: '0.5' }),
      /^DEMO_IDLE_SECONDS is not a number of seconds; /,
    ],
    ['a database that is none', (folder: string) => ({ DEMO_DATA: join(folder, 'damaged'), PORT: '0' }), /sessions\.db/],
    [
      'a key file that holds none',
      (folder: string) => ({ DEMO_DATA: join(folder, 'keyless'), PORT: '0' }),
      /^The key file .* holds no usable key; delete it/,
    ],
  ])('%s is one line that says what to do', async (_what, envOf, expected) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    mkdirSync(join(folder, 'damaged'))
    writeFileSync(join(folder, 'damaged', 'sessions.db'), 'These are not the rows you are looking for.'.repeat(200))
    mkdirSync(join(folder, 'keyless'))
    writeFileSync(join(folder, 'keyless', 'session.key'), 'nothing')
    chmodSync(join(folder, 'keyless', 'session.key'), 0o600)

    const { code, output } = await failing(envOf(folder))

    expect(code).toBe(1)
    expect(output).toMatch(expected)
    expect(output.split('\n')).toHaveLength(1)
    rmSync(folder, { recursive: true, force: true })
  })
})
