// The app of docs/guide/dpop.md, run as it stands there.
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { fakeClock } from '../../../src/testing/fake-clock.ts'
import type { ProofRefusal } from '../../../src/tokens/dpop/proof.ts'
import { dpopSite } from './site.ts'

interface AppOfTheGuide {
  readonly thumbprint: string
  prove(method: string, url: string, given?: { accessToken?: string; nonce?: string }): Promise<string>
}

const page = await readFile(new URL('../../../docs/guide/dpop.md', import.meta.url), 'utf8')

it('it is granted tokens, calls the service, and refreshes them where nonces are required', async () => {
  const [, code] = /```js\n([\s\S]*?)```/.exec(page)!
  const app = (await import(`data:text/javascript,${encodeURIComponent(code!)}`)) as AppOfTheGuide
  const site = await dpopSite({ core: { clock: fakeClock(Date.now()) }, tokens: { dpopNonce: 'required' } })
  const { accessToken, refreshToken } = await site.granted(app.thumbprint)
  const url = `${site.origin}/api/orders`
  const call = await site.call([
    ['authorization', `DPoP ${accessToken}`],
    ['dpop', await app.prove('GET', url, { accessToken })],
  ])
  const first = await site.refresh(refreshToken, await app.prove('POST', site.tokenUrl))
  const nonce = first.response.headers.get('dpop-nonce')!
  const second = await site.refresh(refreshToken, await app.prove('POST', site.tokenUrl, { nonce }))

  expect([call.status, first.body.error, second.status]).toEqual([200, 'use_dpop_nonce', 200])
})

it('every reason there is stands in its table', () => {
  const reasons: Record<ProofRefusal, true> = {
    missing: true,
    several: true,
    oversize: true,
    malformed: true,
    type: true,
    algorithm: true,
    key: true,
    claims: true,
    'other-method': true,
    'other-url': true,
    'other-token': true,
    'other-key': true,
    'too-old': true,
    'from-the-future': true,
    'nonce-missing': true,
    'nonce-unknown': true,
    signature: true,
    replayed: true,
  }

  expect(Object.keys(reasons).filter((reason) => !page.includes(`\`${reason}\``))).toEqual([])
})
