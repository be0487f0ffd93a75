/** The demo over TLS, and a Chromium that binds sessions and trusts it: one of each for a test file. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { type Demo, startDemo } from '../demo/demo-process.ts'
import { keyHashOf, launchBinding } from './binding-chromium.ts'
import { newVisitor, type Visitor } from './browser.ts'

/** Starts both before the file's tests and ends them after. Gives what opens another person's browser. */
export function tlsDemo(): (options?: BrowserContextOptions) => Promise<Visitor> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-browser-'))
  let demo: Demo
  let browser: Browser

  beforeAll(async () => {
    demo = await startDemo(folder, {}, ['--tls'])
    browser = await launchBinding(await keyHashOf(demo))
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  return (options = {}) => newVisitor(browser, demo.url, options)
}
