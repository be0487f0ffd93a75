/** Passkeys end to end, in a real browser with a virtual authenticator (DevTools protocol, domain WebAuthn). */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfSignedCertificate } from '../http/support/certificate.ts'
import { launchBrowser } from './browser.ts'
import { HOSTS, type PasskeyChromiumSite, PasskeyVisitor, startPasskeySite } from './passkey-site.ts'

const certificate = selfSignedCertificate(HOSTS)
let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser([
    '--host-resolver-rules=MAP *.test 127.0.0.1',
    `--ignore-certificate-errors-spki-list=${certificate.keyHash}`,
  ])
})
afterAll(async () => {
  await browser?.close()
})

/** Somebody who made a passkey in this browser, and is signed in with their password. */
async function enrolled(site: PasskeyChromiumSite, as = 'ada', more: { hasBackup?: boolean } = {}) {
  const visitor = await PasskeyVisitor.of(browser, site.origin, more)
  await visitor.post('/login', { as })
  const made = await visitor.register()
  if (!made.ok) throw new Error(`not registered: ${made.reason}`)
  return visitor
}

describe('a browser with a passkey', () => {
  it('makes one, and with it alone signs in to two factors', async () => {
    const site = await startPasskeySite(certificate)
    const visitor = await enrolled(site)
    await visitor.post('/logout')
    const signedOut = await visitor.me()

    const result = await visitor.signIn()

    expect(signedOut.subject).toBeNull()
    expect(result).toMatchObject({ ok: true, subject: 'ada', strength: 2 })
    expect(await visitor.me()).toMatchObject({ subject: 'ada', acr: 'aal2' })
    expect(await visitor.post('/list')).toMatchObject([{ name: 'Chromium', lastUsedAt: site.clock(), isSuspected: false }])
  })

  it('finishes a sign-in that a password began', async () => {
    const site = await startPasskeySite(certificate)
    const visitor = await enrolled(site)
    await visitor.post('/logout')
    await visitor.post('/login', { as: 'ada' })
    const halfway = await visitor.me()

    expect(await visitor.stepUp()).toMatchObject({ ok: true })
    expect([halfway.subject, await visitor.me()]).toMatchObject([null, { subject: 'ada', acr: 'aal2' }])
  })

  it('offers it in the field of a form (conditional UI)', async () => {
    const site = await startPasskeySite(certificate)
    const visitor = await enrolled(site)
    await visitor.post('/logout')
    await visitor.page.reload()

    expect(await visitor.signIn(true)).toMatchObject({ ok: true, subject: 'ada' })
    expect((await visitor.me()).acr).toBe('aal2')
  })

  it('makes no second one on the same device', async () => {
    const site = await startPasskeySite(certificate)
    const visitor = await enrolled(site)
    await visitor.stepUp()

    expect(await visitor.create()).toEqual({ error: 'InvalidStateError' })
    expect(await visitor.credentials()).toHaveLength(1)
  })

  it('says that its provider keeps a copy', async () => {
    const site = await startPasskeySite(certificate)
    const visitor = await enrolled(site, 'ada', { hasBackup: true })

    expect(await visitor.stepUp()).toMatchObject({ ok: true, backup: { isEligible: true, isBackedUp: true, hasChanged: false } })
    expect(await visitor.post('/list')).toMatchObject([{ isBackupEligible: true, isBackedUp: true }])
  })
})

describe('what proves nothing', () => {
  it('an answer made on a page of another origin, be it a neighbour whose browser plays along', async () => {
    const site = await startPasskeySite(certificate, 'app.test')
    const visitor = await enrolled(site)
    const options = await visitor.post('/sign-in-options')
    await visitor.page.goto(site.at('sub.app.test'))
    const made = await visitor.get(options)
    await visitor.page.goto(site.origin)

    expect(made.error).toBeUndefined()
    expect(await visitor.post('/sign-in', made.answer)).toEqual({ ok: false, reason: 'origin' })
  })

  it('a page of another site: the browser does not even ask', async () => {
    const site = await startPasskeySite(certificate, 'app.test')
    const visitor = await enrolled(site)
    const options = await visitor.post('/sign-in-options')
    await visitor.page.goto(site.at('evil.test'))

    expect(await visitor.get(options)).toEqual({ error: 'SecurityError' })
  })

  it('an assertion that was answered before', async () => {
    const site = await startPasskeySite(certificate)
    const visitor = await enrolled(site)
    const { answer } = await visitor.get(await visitor.post('/step-up-options'))

    expect(await visitor.post('/step-up', answer)).toMatchObject({ ok: true })
    expect(await visitor.post('/step-up', answer)).toEqual({ ok: false, reason: 'replayed' })
  })

  it('a copy of an authenticator, whose count is behind', async () => {
    const site = await startPasskeySite(certificate)
    const visitor = await enrolled(site)
    const [original] = await visitor.credentials()
    await visitor.stepUp()
    await visitor.stepUp()
    const thief = await PasskeyVisitor.of(browser, site.origin)
    await thief.hold({ ...original!, rpId: 'localhost' })

    expect(await thief.signIn()).toEqual({ ok: false, reason: 'suspected' })
    expect((await thief.me()).subject).toBeNull()
    expect(await site.seen('factor.suspected')).toMatchObject([{ subject: 'ada' }])
    expect(await visitor.post('/list')).toMatchObject([{ isSuspected: true }])
  })

  it('an authenticator that did not make sure who holds it', async () => {
    const site = await startPasskeySite(certificate)
    const visitor = await enrolled(site)
    const options = await visitor.post('/step-up-options')
    await visitor.verifies(false)
    const asked = await visitor.get(options)
    const { answer } = await visitor.get({ ...options, userVerification: 'discouraged' })

    expect(asked).toEqual({ error: 'NotAllowedError' })
    expect(await visitor.post('/step-up', answer)).toEqual({ ok: false, reason: 'unverified' })
    expect((await visitor.me()).acr).toBe('aal1')
  })

  it('another person’s challenge, in either direction', async () => {
    const site = await startPasskeySite(certificate)
    const [ada, bob] = [await enrolled(site, 'ada'), await enrolled(site, 'bob')]
    const [adas, bobs] = [await ada.post('/step-up-options'), await bob.post('/step-up-options')]
    const byAda = await ada.get({ ...adas, challenge: bobs.challenge })
    const byBob = await bob.get({ ...bobs, challenge: adas.challenge })

    expect(await ada.post('/step-up', byAda.answer)).toEqual({ ok: false, reason: 'challenge' })
    expect(await bob.post('/step-up', byBob.answer)).toEqual({ ok: false, reason: 'challenge' })
    expect(await ada.post('/step-up', byBob.answer)).toEqual({ ok: false, reason: 'unknown' })
  })

  it('a passkey made for another person’s registration', async () => {
    const site = await startPasskeySite(certificate)
    const ada = await PasskeyVisitor.of(browser, site.origin)
    const mallory = await PasskeyVisitor.of(browser, site.origin)
    await ada.post('/login', { as: 'ada' })
    await mallory.post('/login', { as: 'mallory' })
    const { answer } = await mallory.create(await mallory.post('/register-options'))

    expect(await ada.post('/register', answer)).toEqual({ ok: false, reason: 'challenge' })
    expect(await ada.post('/list')).toEqual([])
  })
})
