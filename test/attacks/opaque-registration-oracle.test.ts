// The attacker has: an account of its own, or none, and one answer to a login of its victim's, which anybody may ask for.
// The attacker does: has registrations compute the protocol's first step for one guess after another, and tries each against that answer at home.
// The attacker must not obtain: the step for the victim's password, or the throttle on logins counts for nothing.
import { expect, it } from 'vitest'
import { Browser, client, evaluationOf, opaqueSite } from '../stepup/opaque/support.ts'

it.each(['ada', 'nobody'])(
  'what a registration computes is never what a login of %s computes, whatever it is named',
  async (account) => {
    const site = await opaqueSite()
    await new Browser(site).register('ada', 'the password')
    const mallory = new Browser(site)
    const { startLoginRequest } = client.startLogin({ password: 'the password' })
    // Both begin with the same thing: the password, blinded.
    const registrationRequest = Buffer.from(startLoginRequest, 'base64url').subarray(0, 32).toString('base64url')
    const login = evaluationOf((await mallory.post('/login/start', { account, startLoginRequest })).loginResponse)
    const identifier = site.accounts.get('ada')!.registration.split('.')[1]

    const computed = new Set<string>()
    for (const names of [{}, { account }, { userIdentifier: identifier }, { identifier, ticket: identifier }]) {
      const answer = await mallory.post('/register/start', { registrationRequest, ...names })
      computed.add(evaluationOf(answer.registrationResponse))
    }

    expect(computed.size).toBe(4)
    expect(computed).not.toContain(login)
  },
)
