import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../demo/demo-process.ts'
import { launchBrowser, newVisitor, shoot, signIn } from './browser.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-browser-'))
let demo: Demo
let browser: Browser

beforeAll(async () => {
  // The warning comes when a third of it is left.
  demo = await startDemo(folder, { DEMO_IDLE_SECONDS: '9' })
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  await demo?.kill()
  rmSync(folder, { recursive: true, force: true })
})

describe('a visit that nobody uses', () => {
  it('warns, stays at a click, and in the end leaves nothing private on the screen', async () => {
    const { page, complaints } = await newVisitor(browser, demo.url)
    await signIn(page)
    const warning = page.getByRole('complementary', { name: 'Time left' })
    const hiddenAtFirst = await warning.isHidden()
    await warning.waitFor({ state: 'visible' })
    const words = await warning.getByRole('status').textContent()
    await shoot(page, 'warning')
    await warning.getByRole('button', { name: 'Stay signed in' }).click()
    await warning.waitFor({ state: 'hidden' })
    const stayedOn = page.url()
    await page.getByRole('heading', { name: 'Please sign in again' }).waitFor({ timeout: 15_000 })

    expect(hiddenAtFirst).toBe(true)
    expect(words).toMatch(/^Are you still there\? This visit ends in \d seconds?\.$/)
    expect(stayedOn).toContain('/me')
    expect(await page.content()).not.toContain('ada')
    await page.getByText('nothing happened for a while').waitFor()
    expect(complaints).toEqual([])
  })

  it('goes on in every tab while one of them is used', async () => {
    const { page, context } = await newVisitor(browser, demo.url)
    await signIn(page)
    const other = await context.newPage()
    for (let step = 0; step < 4; step++) {
      await other.waitForTimeout(2_500)
      await other.goto('/sessions')
    }

    expect(page.url()).toContain('/me')
    expect(await page.getByRole('heading', { name: 'Your visit, ada' }).count()).toBe(1)
    expect(await page.getByRole('complementary', { name: 'Time left' }).isHidden()).toBe(true)
  })
})
