/**
 * Verifications a second of one access token, by algorithm: ours with everything a service checks, beside `jose` and `fast-jwt`, which are
 * handed the key and check signature, issuer, audience and times. A child process; argv: package folder, milliseconds a window, rounds.
 */
import { createServer } from 'node:http'
import { exportJWK, exportSPKI, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import { loadEntry } from '../package.ts'
import { loadPeer } from '../peers/install.ts'
import { median } from '../statistics.ts'

export interface VerifyRow {
  readonly name: string
  readonly algorithm: string
  readonly perSecond: number
}

export const ALGORITHMS = ['ES256', 'EdDSA', 'RS256', 'ML-DSA-44', 'ML-DSA-65'] as const
/** fast-jwt knows no others of these. */
const FAST_JWT: readonly string[] = ['ES256', 'EdDSA', 'RS256']

const [packageFolder, windowMs, rounds, hasPeers] = process.argv.slice(2) as [string, string, string, string]
const ISSUER = 'http://localhost:9'
const AUDIENCE = 'https://api.example'

type Verify = (token: string) => unknown

const { createTokenVerifier } = await loadEntry(packageFolder, 'tokensVerify')
const rows: VerifyRow[] = []
for (const algorithm of ALGORITHMS) {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), alg: algorithm, use: 'sig', kid: `${algorithm}-1` }
  const server = createServer((_request, response) => {
    response
      .writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'max-age=3600' })
      .end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const tokens = await Promise.all(
    Array.from({ length: 64 }, (_, index) =>
      new SignJWT({ client_id: 'app', sid: 'AAAAAAAAAAAAAAAAAAAAAA', jti: `jti-${index}-0123456789abcdef`, scope: 'read' })
        .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid: jwk.kid })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject('user-1')
        .setIssuedAt()
        .setExpirationTime('30m')
        .sign(privateKey),
    ),
  )
  const ours = createTokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: `http://127.0.0.1:${port}/jwks`,
    algorithms: [algorithm],
    feed: false,
    introspection: false,
    dangerouslyAllowHttp: true,
  })
  const key = await importJWK(jwk, algorithm)
  const variants = new Map<string, Verify>([
    [
      'sojourn/tokens/verify',
      async (token) => {
        if ((await ours.verify(token)).state !== 'active') throw new Error('A good token was refused.')
      },
    ],
    ['jose', (token) => jwtVerify(token, key, { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', algorithms: [algorithm] })],
  ])
  if (hasPeers === 'yes' && FAST_JWT.includes(algorithm)) {
    const { createVerifier } = await loadPeer<{ createVerifier(options: object): Verify }>('fast-jwt')
    const pem = await exportSPKI(publicKey)
    variants.set(
      'fast-jwt',
      createVerifier({ key: pem, algorithms: [algorithm], allowedIss: ISSUER, allowedAud: AUDIENCE, cache: false }),
    )
  }
  const samples = new Map([...variants.keys()].map((name): [string, number[]] => [name, []]))
  for (let round = 0; round <= Number(rounds); round++) {
    for (const [name, verify] of variants) {
      const perSecond = await ratio(verify, tokens)
      if (round > 0) samples.get(name)!.push(perSecond)
    }
  }
  for (const [name, values] of samples) rows.push({ name, algorithm, perSecond: median(values) })
  server.close()
  await ours.close()
}
process.send!(rows)
process.on('disconnect', () => process.exit(0))

/** One at a time: what a request waits for. */
async function ratio(verify: Verify, tokens: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  let count = 0
  while (performance.now() - startedAt < Number(windowMs)) await verify(tokens[count++ % tokens.length]!)
  return count / ((performance.now() - startedAt) / 1000)
}
