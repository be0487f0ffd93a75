import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cookieJar } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { mmdb } from '../binding/traits/mmdb.ts'
import { Browser } from '../matrix/browser.ts'

const PATIENCE = { timeout: 10_000, interval: 20 }

it('prints what is unlike a person: another browser than theirs', async () => {
  const file = join(import.meta.dirname, '..', '..', 'examples', 'anomalies.ts')
  const GEO_ASN = join(mkdtempSync(join(tmpdir(), 'sojourn-geo-')), 'asn.mmdb')
  writeFileSync(GEO_ASN, mmdb('GeoLite2-ASN', { '127.0.0.0/8': { autonomous_system_number: 64500 } }))
  const env = { ...process.env, PORT: '0', SHADOW: 'no', GEO_ASN }
  const child = spawn(process.execPath, ['--conditions=sojourn-source', file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill())
  child.stderr.resume()
  const printed: string[] = []
  createInterface(child.stdout).on('line', (line) => printed.push(line))
  const line = async (start: string) => {
    await expect.poll(() => printed.some((text) => text.startsWith(start)), PATIENCE).toBe(true)
    return printed.find((text) => text.startsWith(start))!
  }
  const url = await line('http')
  const [own, other] = [new Browser(url, cookieJar()), new Browser(url, cookieJar())]
  const agent = (name: string) => ({
    headers: { 'user-agent': `Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 ${name}/140.0` },
  })

  for (let i = 0; i < 3; i++) await own.post('/login/ada', agent('Firefox'))
  // Learnt in the background: the second sign-in is compared once the first is.
  await expect
    .poll(async () => {
      await other.post('/login/ada', agent('Seamonkey'))
      return printed.some((text) => text.startsWith('new-device'))
    }, PATIENCE)
    .toBe(true)
  const { subject } = JSON.parse((await own.get('/', agent('Firefox'))).body)

  expect(subject).toBe('ada')
})
