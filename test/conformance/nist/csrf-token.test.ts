// NIST SP 800-63B-4, 5.1: POST and PUT content carries an identifier of the session that is verified.
import { policies } from 'sojourn'
import { expect, it } from 'vitest'
import { csrfSite } from '../../http/support/csrf.ts'

it.each(['POST', 'PUT'])(
  'NIST-SB-10: under policies.aal2, %s needs a token of its session, whatever the headers say',
  async (method) => {
    const shop = csrfSite({ csrf: { token: 'always' } }, policies.aal2)
    const { result, cookie } = await shop.ask({ method: 'GET' }, (session) => session.csrfToken())
    const headers = {
      cookie,
      'sec-fetch-site': 'same-origin',
      origin: 'https://shop.example',
      'content-type': 'application/json',
    }

    expect(await shop.outcome({ method, headers })).toBe('token-missing')
    expect(await shop.outcome({ method, headers, body: { csrf_token: 'x' } })).toBe('token-wrong')
    expect(await shop.outcome({ method, headers, body: { csrf_token: result } })).toBe('anonymous')
    expect(await csrfSite({}, policies.aal2).outcome({ method, headers })).toBe('token-missing')
  },
)
