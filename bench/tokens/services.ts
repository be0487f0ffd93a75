/** The services of `feed.ts`: each a verifier of its own, with a connection of its own. A child process; argv: package folder. */
import { loadEntry } from '../package.ts'
import { AUDIENCE, type Question } from './words.ts'

const [packageFolder] = process.argv.slice(2) as [string]
const { createTokenVerifier } = await loadEntry(packageFolder, 'tokensVerify')
type Verifier = ReturnType<typeof createTokenVerifier>

interface Service {
  readonly verifier: Verifier
  /** Called when the feed has told of an ended session. */
  told: () => void
}

let services: Service[] = []
let token = ''

process.on('message', async (question: Question) => process.send!(await answer(question)))
process.on('disconnect', () => process.exit(0))

async function answer(question: Question): Promise<unknown> {
  if (question.kind === 'open') {
    services = Array.from({ length: question.services }, () => openService(question))
    await Promise.all(services.map(({ verifier }) => becomesLive(verifier)))
    return 'open'
  }
  if (question.kind === 'watch') {
    token = question.token
    const verified = await Promise.all(services.map(({ verifier }) => verifier.verify(token)))
    if (verified.some(({ state }) => state !== 'active')) throw new Error('A good token was refused.')
    return 'watching'
  }
  if (question.kind === 'refused') return Promise.all(services.map(refusalOf))
  await Promise.all(services.map(({ verifier }) => verifier.close()))
  return 'closed'
}

function openService({ issuer, clientSecret }: Question & { readonly kind: 'open' }): Service {
  const watchedFetch: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) return response
    const watching = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        controller.enqueue(piece)
        if (Buffer.from(piece).includes('event: session')) service.told()
      },
    })
    return new Response(response.body!.pipeThrough(watching), response)
  }
  const verifier = createTokenVerifier({
    issuer,
    audience: AUDIENCE,
    client: { id: 'service', clientSecret },
    accessTokenLifetime: 300_000,
    fetch: watchedFetch,
    dangerouslyAllowHttp: true,
  })
  const service: Service = { verifier, told() {} }
  return service
}

/** When this service first refuses. It asks as soon as the feed has told something: to verify all the time would keep the feed waiting. */
async function refusalOf(service: Service): Promise<number> {
  await new Promise<void>((resolve) => {
    service.told = resolve
  })
  const deadline = performance.now() + 20_000
  while ((await service.verifier.verify(token)).state !== 'refused') {
    if (performance.now() > deadline) throw new Error('A token of an ended session was accepted for 20 seconds.')
    await new Promise((resolve) => setImmediate(resolve))
  }
  return performance.timeOrigin + performance.now()
}

async function becomesLive(verifier: Verifier): Promise<void> {
  const deadline = performance.now() + 20_000
  while (verifier.status().feed !== 'live') {
    if (performance.now() > deadline) throw new Error('The feed did not open within 20 seconds.')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
