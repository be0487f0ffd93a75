// Rows that are shown by the sources and documents themselves.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { pooledRandom } from '../../src/core/crypto.ts'
import { decodeRecord, encodeRecord } from '../../src/core/record.ts'
import { sealData } from '../../src/core/sealed-data.ts'
import { browser, COOKIE, site } from '../attacks/support.ts'
import { RING, recordOf, setUp, signedIn } from '../core/support.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const sources = readdirSync(fileURLToPath(new URL('src', root)), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)
const eventTypes = [...read('src/core/events.ts').matchAll(/readonly type: '([a-z.-]+)'/g)].map(([, type]) => type!)

it('ASVS-16.1.1: every event is in the catalogue', () => {
  const catalogue = read('docs/guide/events.md')

  expect([eventTypes.length > 10, eventTypes.filter((type) => !catalogue.includes(`\`${type}\``))]).toEqual([true, []])
})

it('ASVS-16.1.1: every event of the catalogue is emitted somewhere', () => {
  const emitting = sources
    .filter((name) => !['core/events.ts', 'monitor/catalogue.ts'].includes(name))
    .map((name) => read(`src/${name}`))
    .join('\n')

  expect(eventTypes.filter((type) => !emitting.includes(`'${type}'`))).toEqual([])
})

it('ASVS-16.3.1: a sign-in and a step-up are events with their factors', async () => {
  const { sessions, seen } = setUp()
  const session = await sessions.read(await signedIn(sessions))
  await session.elevate({ method: 'otp' })

  expect([await seen('session.started'), await seen('session.elevated')]).toMatchObject([
    [{ methods: ['pwd'] }],
    [{ methods: ['otp'], acr: 'aal2' }],
  ])
})

it('ASVS-11.3.5: where a MAC stands beside the cipher, it is over what was sealed', () => {
  const record = recordOf()
  const sealedData = sealData(Buffer.from('1{}'), record.idBytes, RING, pooledRandom())
  const stored = { ...encodeRecord({ ...record, sealedData }, RING), version: 1, epoch: 0 }
  const body = Buffer.from(stored.body)
  body[body.length - 1]! ^= 1

  expect([decodeRecord(stored, RING) === undefined, decodeRecord({ ...stored, body }, RING)]).toEqual([false, undefined])
})

it('ASVS-11.7.2: session data is opened only when it is asked for', async () => {
  let opened = 0
  const data = z.object({ note: z.string().default('') }).transform((value) => {
    opened++
    return value
  })
  const { sessions } = setUp({ data })
  const token = await signedIn(sessions)
  const first = await sessions.read(token)
  first.data.note = 'x'
  await first.commit()
  opened = 0
  const session = await sessions.read(token)
  session.meets()
  await session.commit()

  expect(opened).toBe(0)
})

it('ASVS-14.3.3: the browser is given a token and nothing else', async () => {
  const ada = browser(site())
  await ada.visit('/login?as=ada@example.org')

  expect(ada.jar.cookies('https://shop.example').map(({ name, value }) => [name, /^sjn1_[\w-]{86}$/.test(value)])).toEqual([
    [COOKIE, true],
  ])
})

it('SMCS-22: the one cookie is defined with its name, attributes and lifetime', () => {
  const page = read('docs/reference/cookies.md')

  expect(
    [COOKIE, 'Secure', 'HttpOnly', 'SameSite', 'Path', 'Domain', 'Max-Age'].filter((word) => !page.includes(`\`${word}\``)),
  ).toEqual([])
})

it('SMCS-23: no source keeps anything in localStorage or sessionStorage', () => {
  expect(sources.filter((name) => /localStorage|sessionStorage/.test(read(`src/${name}`)))).toEqual([])
})
