// The picture of an enrolment in a real browser, under the strictest policy there is.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { codes } from '../stepup/codes-support.ts'
import { launchBrowser, newVisitor } from './browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

it('the QR code shows, with its name, where a page may load and run nothing', async () => {
  const { totp, signIn } = codes()
  const { svg } = await totp.begin(await signIn(), { account: 'ada@example.org', title: 'Scan me' })
  const server = createServer((_req, res) => {
    res.setHeader('Content-Security-Policy', "default-src 'none'; require-trusted-types-for 'script'")
    res.setHeader('Content-Type', 'text/html; charset=utf-8')
    res.end(`<!doctype html><html lang="en"><title>Enrol</title><body>${svg}</body></html>`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { page, complaints } = await newVisitor(browser, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await page.goto('/')
  const picture = page.getByRole('img', { name: 'Scan me' })

  expect(await picture.boundingBox()).toMatchObject({ width: 240, height: 240 })
  expect(complaints).toEqual([])
})
