/** Chromium and the shop's own certificate authority: what `npm start -- --tls` prints, done. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { keepAuthority } from '../../demo/tls/authority.ts'
import { signLeaf } from '../../demo/tls/certificates.ts'
import { type Demo, startDemo } from '../demo/demo-process.ts'
import { programPath } from '../servers/server.ts'
import { launchBrowser, newVisitor, signIn } from './browser.ts'

/** Fills the certificate database of a home folder; `npm test` installs the program. */
const certutil = { program: 'certutil', debianPackage: 'libnss3-tools' }

const folder = mkdtempSync(join(tmpdir(), 'sojourn-browser-'))
let demo: Demo

beforeAll(async () => {
  demo = await startDemo(folder, {}, ['--tls'])
})
afterAll(async () => {
  await demo?.kill()
  rmSync(folder, { recursive: true, force: true })
})

/** A command that the shop printed, run in a home of its own as a shell runs it. */
function run(printed: RegExp, home: string): void {
  const [, command = ''] = printed.exec(demo.output()) ?? []
  const path = `${join(programPath(certutil), '..')}:${process.env.PATH}`
  execFileSync('/bin/sh', ['-c', command.replace(/ {3}\(.*\)$/, '')], { env: { HOME: home, PATH: path }, stdio: 'pipe' })
}

function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'sojourn-home-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  return home
}

async function browserAt(home: string, ...args: string[]) {
  const browser = await launchBrowser(args, { HOME: home })
  onTestFinished(() => browser.close())
  return browser
}

/** The browser's word for why it did not open a page, or what state its security is in. */
async function opened(browser: Awaited<ReturnType<typeof launchBrowser>>, url: string): Promise<string> {
  const { page } = await newVisitor(browser, new URL(url).origin)
  const response = await page.goto(url).catch((error: Error) => /net::\w+/.exec(error.message)?.[0] ?? error.message)
  return typeof response === 'string' || response === null ? String(response) : String(response.status())
}

describe('Chromium', () => {
  it('takes the certificate after the printed command, under every name of this machine, and no longer after the other', async () => {
    const home = newHome()
    run(/Chromium on Linux\s+trust {3}(.*)/, home)
    const browser = await browserAt(home)
    const statuses = [
      await opened(browser, demo.url),
      await opened(browser, `https://127.0.0.1:${demo.port}`),
      await opened(browser, `https://shop.localhost:${demo.port}`),
    ]
    await browser.close()
    run(/Chromium on Linux\s.*\s+undo {4}(.*)/, home)

    expect(statuses).toEqual(['200', '200', '200'])
    expect(await opened(await browserAt(home), demo.url)).toBe('net::ERR_CERT_AUTHORITY_INVALID')
  })

  it('signs in, without a remark in the console, and keeps secure cookies alone: the visit’s, and that the browser is known', async () => {
    const home = newHome()
    run(/Chromium on Linux\s+trust {3}(.*)/, home)
    const { page, context, complaints } = await newVisitor(await browserAt(home), demo.url)
    await signIn(page)
    const cookies = await context.cookies()

    expect(cookies.map(({ name }) => name).toSorted()).toEqual(['__Host-sjn', '__Host-sjn-known'])
    for (const { secure, httpOnly } of cookies) expect([secure, httpOnly]).toEqual([true, true])
    expect(complaints).toEqual([])
  })

  it('takes it by the hash that the shop prints, also after a restart', async () => {
    const [, flag = ''] = /(--ignore-certificate-errors-spki-list=\S+)/.exec(demo.output()) ?? []
    await demo.close()
    demo = await startDemo(folder, {}, ['--tls'])

    expect(await opened(await browserAt(newHome(), flag), demo.url)).toBe('200')
  })

  // The attacker has the authority's key, signs for a site of others, and must not be believed by a browser that trusts it.
  it('does not believe the authority about anybody else', async () => {
    const home = newHome()
    run(/Chromium on Linux\s+trust {3}(.*)/, home)
    const { key, certificate } = await keepAuthority(folder, Date.now())
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const cert = await signLeaf(key, pair.publicKey, ['bank.example', 'localhost'], Date.now())
    const stolen = createServer({ cert, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) }, (_, res) => res.end())
    stolen.listen(0, '127.0.0.1')
    await once(stolen, 'listening')
    onTestFinished(() => void stolen.close())
    const { port } = stolen.address() as { port: number }
    const browser = await browserAt(home, '--host-resolver-rules=MAP bank.example 127.0.0.1')

    expect(certificate).toBe(readFileSync(join(folder, 'tls-authority.pem'), 'utf8'))
    expect(await opened(browser, `https://bank.example:${port}`)).toMatch(/^net::ERR_CERT_/)
  })
})
