/** Parts of a distributed store's read that are ours, without network and client: opening and sealing a cookie, decoding what Redis holds. */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import type { Sessions, Store } from 'sojourn'
import { loadEntry, loadInternal } from './package.ts'
import { newKey, type SampleData, SESSIONS, sampleData, subjectOf } from './sample.ts'

/** More than core remembers of lately opened cookies. */
const CROWD = 2500

type Part = readonly [name: string, operation: (index: number) => unknown]
type DataSchema = import('@standard-schema/spec').StandardSchemaV1<unknown, SampleData>

export async function partsOfReads(packageFolder: string): Promise<Part[]> {
  return [await floor(), await redisPart(packageFolder), ...(await cookieParts(packageFolder))]
}

async function floor(): Promise<Part> {
  const key = createSecretKey(randomBytes(32))
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const sealed = Buffer.concat([nonce, cipher.update(JSON.stringify(sampleData())), cipher.final(), cipher.getAuthTag()])
  const cookie = sealed.toString('base64url')
  return [
    'floor: AES-256-GCM cookie, open and parse',
    () => {
      const bytes = Buffer.from(cookie, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(-16))
      return JSON.parse(decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8'))
    },
  ]
}

/** What the client hands over becomes a record; core's own decoding comes on top and is the same for every store. */
async function redisPart(packageFolder: string): Promise<Part> {
  const { memoryStore } = await loadEntry(packageFolder, 'memory')
  const { decode, encodeRecord } = await loadInternal(packageFolder, 'redisFormat')
  const store = memoryStore()
  const { ids } = await signIn(SESSIONS, packageFolder, store, newKey())
  const replies: { id: string; bytes: Buffer }[] = []
  for (const id of ids) {
    const found = await store.read(id)
    if (found?.kind !== 'record') throw new Error('A session that was stored was not found.')
    replies.push({ id, bytes: encodeRecord(found.record) })
  }
  return [
    'sojourn redis: decode a reply',
    (i) => {
      const { id, bytes } = replies[i % SESSIONS]!
      return decode(id, bytes)
    },
  ]
}

async function cookieParts(packageFolder: string): Promise<Part[]> {
  const { cookieStore } = await loadEntry(packageFolder, 'cookie')
  const { createCarrier } = await loadInternal(packageFolder, 'carrying')
  const { createKeyring } = await loadInternal(packageFolder, 'keyring')
  const { pooledRandom } = await loadInternal(packageFolder, 'crypto')
  const { decodeCarried } = await loadInternal(packageFolder, 'record')
  const key = newKey()
  const store = cookieStore()
  const { tokens } = await signIn(CROWD, packageFolder, store, key)
  const carrier = createCarrier(createKeyring(key), pooledRandom(), store.capabilities.carries!)
  const open = (token: string) => {
    const opened = carrier.open(token)
    if (typeof opened === 'string') throw new Error(`A sealed cookie is ${opened}.`)
    return opened
  }
  const sealed = tokens.map((token) => {
    const { carried, secret } = open(token)
    return { record: decodeCarried(carried), secret }
  })
  return [
    ['sojourn cookie: open', (i) => open(tokens[i % CROWD]!)],
    ['sojourn cookie: open what was opened lately', (i) => open(tokens[i % SESSIONS]!)],
    [
      'sojourn cookie: seal',
      (i) => {
        const { record, secret } = sealed[i % SESSIONS]!
        return carrier.seal(record, secret)
      },
    ],
  ]
}

async function signIn(count: number, packageFolder: string, store: Store, key: string) {
  const { createSessions } = await loadEntry(packageFolder, 'core')
  const sessions: Sessions<SampleData> = createSessions<DataSchema>({ store, keys: key })
  const ids: string[] = []
  const tokens: string[] = []
  for (let index = 0; index < count; index++) {
    const session = sessions.anonymous()
    Object.assign(session.data, sampleData())
    await session.signIn({ subject: subjectOf(index), method: 'pwd', keep: ['basket', 'locale', 'theme'] })
    tokens.push((await session.commit()).token!)
    ids.push(session.id!)
  }
  return { ids, tokens }
}
