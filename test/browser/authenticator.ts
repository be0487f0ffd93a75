/** A virtual authenticator for the demo's pages (DevTools protocol, domain WebAuthn). */
import type { CDPSession, Page } from 'playwright-core'

export interface Device {
  readonly cdp: CDPSession
  readonly authenticatorId: string
}

/** A device that has a key store and a finger to it. */
export async function deviceOf(page: Page): Promise<Device> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable', { enableUI: false })
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { cdp, authenticatorId }
}

/** On the page Security, as a person does. */
export async function addPasskey(page: Page, name: string): Promise<void> {
  await page.goto('/security')
  await page.getByLabel('What to call it').fill(name)
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByText('Your passkey is added.').waitFor()
}
