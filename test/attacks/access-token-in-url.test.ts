// The attacker has: links, and logs in which URLs stand.
// The attacker does: puts a token, their own or a victim's, into a URL or a form that a browser follows or sends by itself.
// The attacker must not get: a request that is served by such a token, or two tokens of which the service picks one.
import { expect, it } from 'vitest'
import { startIssuer, verifierOf } from '../tokens/verify/support.ts'

it('a token counts in the header alone, and there once', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)
  const [own, victims] = [await issuer.mint({ sub: 'attacker' }), await issuer.mint({ sub: 'victim' })]
  const url = `https://api.example/things?access_token=${victims}`
  const form = new URLSearchParams({ access_token: victims })

  const outcomes = await Promise.all([
    verifier.web(new Request(url)),
    verifier.web(new Request('https://api.example/things', { method: 'POST', body: form })),
    verifier.web(new Request('https://api.example/things', { headers: { Cookie: `access_token=${victims}` } })),
    verifier.web(
      new Request(url, {
        headers: [
          ['Authorization', `Bearer ${own}`],
          ['Authorization', `Bearer ${victims}`],
        ],
      }),
    ),
  ])
  const alone = await verifier.web(new Request(url, { headers: { Authorization: `Bearer ${own}` } }))

  expect(outcomes.map((access) => access.state === 'refused' && access.status)).toEqual([401, 401, 401, 400])
  expect(alone).toMatchObject({ state: 'active', subject: 'attacker' })
})
