// NIST SP 800-63B-4, appendix B: what is asked of authenticators whose keys are copied between devices.
import { expect, it } from 'vitest'
import { Authenticator, BE, BS, UP, UV } from '../../stepup/passkeys/authenticator.ts'
import { elsewhere, enrolled, Person } from '../../stepup/passkeys/support.ts'

it('NIST-IMPR-1/2: user verification can be preferred and its flag decides; without it a passkey is one factor, and a copied key is never aal3', async () => {
  const options = { passkeys: { userVerification: 'preferred' as const } }
  const acrs: string[] = []
  for (const flags of [UP | UV | BE | BS, UP | BE | BS, UP | UV]) {
    const found = await enrolled({ ...options, authenticator: new Authenticator({ flags, counts: false }) })
    const visitor = elsewhere(found)
    const asked = (await visitor.signInOptions()).userVerification
    await visitor.signIn()
    acrs.push(`${asked} ${(await visitor.me()).acr}`)
  }
  // By default those that cannot verify are not taken at all.
  const { site } = await enrolled()

  expect(acrs).toEqual(['preferred aal2', 'preferred aal1', 'preferred aal2'])
  expect((await new Person(site).signInOptions()).userVerification).toBe('required')
})
