import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
// Inside the repository, so that `import 'sojourn'` finds this very package.
const folder = join(root, 'test-results', 'readme')
const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!)
const environment = { ...process.env, SESSION_KEYS: randomBytes(32).toString('base64url') }

const fileOf = (index: number) => join(folder, `block-${index}.ts`)
const run = promisify(execFile)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

async function eventually(url: string): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetch(url)
    } catch (error) {
      if (attempt > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

describe('the README', () => {
  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const [index, block] of blocks.entries()) writeFileSync(fileOf(index), block)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('has three examples, and all of them compile under the strict settings of this repository', async () => {
    const config = { extends: '../../tsconfig.json', include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))

    const compiling = run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder]).catch(
      (error) => error,
    )

    expect(blocks).toHaveLength(3)
    expect((await compiling).stdout).toBe('')
  })

  it('has a quick start that keeps a basket through sign-in and loses it at sign-out', async () => {
    const port = await freePort()
    const child = spawn(process.execPath, ['--conditions=sojourn-source', fileOf(0)], {
      cwd: folder,
      env: { ...environment, PORT: String(port) },
      stdio: 'inherit',
    })
    try {
      const url = `http://localhost:${port}`
      expect(await (await eventually(url)).json()).toEqual({ subject: null, basket: [] })

      const own = { origin: url }
      const put = await fetch(`${url}/basket/book`, { method: 'POST', headers: own })
      const visitor = put.headers.getSetCookie()[0]!.split(';')[0]!
      const login = await fetch(`${url}/login`, { method: 'POST', headers: { ...own, cookie: visitor }, redirect: 'manual' })
      const reader = login.headers.getSetCookie()[0]!.split(';')[0]!
      const home = await (await fetch(url, { headers: { cookie: reader } })).json()
      await fetch(`${url}/logout`, { method: 'POST', headers: { ...own, cookie: reader }, redirect: 'manual' })

      expect(home).toEqual({ subject: 'ada', basket: ['book'] })
      expect(await (await fetch(url, { headers: { cookie: reader } })).json()).toEqual({ subject: null, basket: [] })
    } finally {
      child.kill()
      await once(child, 'exit')
    }
  })

  it('has a protected site that refuses a forged request, answers devices and sends its headers', async () => {
    const port = await freePort()
    const child = spawn(process.execPath, ['--conditions=sojourn-source', fileOf(1)], {
      cwd: folder,
      env: { ...environment, PORT: String(port) },
      stdio: 'inherit',
    })
    try {
      const url = `http://localhost:${port}`
      const { headers } = await eventually(url)
      const forged = await fetch(url, { method: 'POST', headers: { origin: 'https://evil.example' } })
      const device = await fetch(`${url}/dbsc/refresh`)

      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(forged.status).toBe(403)
      expect(device.status).toBe(405)
    } finally {
      child.kill()
      await once(child, 'exit')
    }
  })

  it('has an example of counters, devices and step-up that prints what it says', async () => {
    const { stdout } = await run(process.execPath, ['--conditions=sojourn-source', fileOf(2)], { env: environment })

    expect(stdout).toContain("device: 'Firefox on Linux'")
    expect(stdout).toContain('aal2 true')
    expect(stdout).toContain('idle timeout       30 minutes')
  })
})
