import { describe, expect, it } from 'vitest'
import { createKeyring } from '../../src/core/keyring.ts'
import { FOREIGN_KEY, KEY, OLDER_KEY, setUp, signedIn, thrownBy, tokenOf } from './support.ts'

const ring = (...bytes: number[]) => Buffer.from(bytes).toString('base64url')
const countingUp = ring(...Array.from({ length: 32 }, (_, i) => i))
const stepping = ring(...Array.from({ length: 32 }, (_, i) => (i * 7 + 3) & 255))

describe('createKeyring: what it refuses', () => {
  it.each([undefined, null, '', ' ', ',', ' , \n', [], ['']])('missing keys are refused (case %#)', (keys) => {
    expect(thrownBy(() => createKeyring(keys as string)).code).toBe('ERR_KEYS_INVALID')
  })

  it.each([42, true, {}, Symbol('key'), () => KEY, [undefined], [42], [null], [[KEY]], [Buffer.alloc(32)]])(
    'keys that are no strings are refused in our own words (case %#)',
    (keys) => {
      expect(thrownBy(() => createKeyring(keys as string)).code).toBe('ERR_KEYS_INVALID')
    },
  )

  it.each([1, 21, 22, 42, 44, 64, 86, 1000])('a key of %i characters is refused', (length) => {
    expect(thrownBy(() => createKeyring(KEY.repeat(30).slice(0, length))).message).toMatch(/expected 43 base64url characters/)
  })

  it.each(['change-me', 'CHANGE_ME', 'placeholder', 'my secret', 'password', 'your-key', 'example'])(
    'a placeholder is refused (%s)',
    (word) => {
      expect(thrownBy(() => createKeyring([word.padEnd(43, 'x')])).code).toBe('ERR_KEYS_INVALID')
    },
  )

  it.each([
    ['one byte 32 times', ring(...Array<number>(32).fill(0xa7))],
    ['two bytes in turn', ring(...Array.from({ length: 32 }, (_, i) => (i % 2 ? 0x91 : 0xe3)))],
    ['a block of 8 bytes four times', ring(...Array.from({ length: 32 }, (_, i) => [1, 200, 33, 144, 5, 99, 71, 250][i % 8]!))],
    ['a block of 16 bytes twice', ring(...Array.from({ length: 32 }, (_, i) => ((i % 16) * 37 + (i % 16) ** 2) & 255))],
    ['bytes that count up', countingUp],
    ['bytes in equal steps', stepping],
    ['a phrase', Buffer.from('the quick brown fox jumps over it').subarray(0, 32).toString('base64url')],
  ])('a key that is not random is refused: %s', (_case, key) => {
    expect(thrownBy(() => createKeyring(key)).message).toMatch(/not random/)
  })

  it('a repeated key is refused', () => {
    expect(thrownBy(() => createKeyring([KEY, OLDER_KEY, KEY])).message).toMatch(/key 3 of 3 is there twice/)
  })

  it('a repeated key is refused when it is spelled in another way', () => {
    expect(thrownBy(() => createKeyring([KEY, `${KEY}=`])).message).toMatch(/key 2 of 2 is there twice/)
  })

  it.each([KEY.slice(1), `${KEY}!`, KEY.replace('G', '+')])('no message repeats a key, not even in part (case %#)', (key) => {
    const { message } = thrownBy(() => createKeyring([FOREIGN_KEY, key]))

    expect([message.includes(key.slice(0, 6)), message.includes(key.slice(-6))]).toEqual([false, false])
  })

  it('every message says where to read', () => {
    expect(thrownBy(() => createKeyring('')).message).toMatch(/npx sojourn keys.*docs\/guide\/keys\.md/)
  })
})

describe('createKeyring: what it accepts', () => {
  it.each([
    ['one string', KEY],
    ['an array', [KEY]],
    ['padded base64url', `${KEY}=`],
    ['a comma list', `${KEY},${OLDER_KEY}`],
    ['commas and spaces', ` ${KEY} , ${OLDER_KEY}\n`],
    ['lines', `${KEY}\n${OLDER_KEY}`],
  ])('%s', (_case, keys) => {
    const newest = createKeyring(KEY).newest.keyId

    expect(createKeyring(keys).newest.keyId).toEqual(newest)
  })

  it('the first key is the newest, and the others are still found', () => {
    const older = createKeyring(OLDER_KEY).newest.keyId

    expect(createKeyring([KEY, OLDER_KEY]).byId(older)?.keyId).toEqual(older)
  })

  it('a key outside the ring is not found', () => {
    expect(createKeyring(KEY).byId(createKeyring(FOREIGN_KEY).newest.keyId)).toBeUndefined()
  })

  it('each purpose has a key of its own', () => {
    const { newest } = createKeyring(KEY)
    const message = Buffer.from('same message')
    const macs = [newest.tokenMac, newest.recordMac, newest.sealMac, newest.rotationMac].map((mac) =>
      mac.digest(message).toString('hex'),
    )

    expect(new Set([...macs, newest.derive('csrf').toString('hex'), newest.derive('pseudonym').toString('hex')]).size).toBe(6)
  })

  it('the public name of a key is no part of the key', () => {
    const keyId = Buffer.alloc(4)
    keyId.writeUInt32BE(createKeyring(KEY).newest.keyId)

    expect(Buffer.from(KEY, 'base64url').includes(keyId)).toBe(false)
  })
})

describe('replacing keys', () => {
  const replaced = async (keys: string[]) => {
    const { store, clock, sessions } = setUp({ keys: OLDER_KEY })
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    session.data.note = 'kept'
    const token = await tokenOf(session)
    return { token, ...setUp({ keys, store, clock }) }
  }

  it('a token made by an older key still signs in', async () => {
    const { sessions, token } = await replaced([KEY, OLDER_KEY])

    expect((await sessions.read(token)).subject).toBe('ada')
  })

  it('data sealed by an older key is still read', async () => {
    const { sessions, token } = await replaced([KEY, OLDER_KEY])

    expect((await sessions.read(token)).data).toEqual({ note: 'kept' })
  })

  it('a key that left the ring ends what it made', async () => {
    const { sessions, token } = await replaced([KEY])

    expect((await sessions.read(token)).state).toBe('forged')
  })

  it('a rotation moves token, record and data to the newest key, so that the older one can leave', async () => {
    const { sessions, store, clock, token } = await replaced([KEY, OLDER_KEY])
    const session = await sessions.read(token)
    await session.rotate()
    const renewed = await tokenOf(session)

    const later = await setUp({ keys: [KEY], store, clock }).sessions.read(renewed)

    expect([later.subject, later.data]).toEqual(['ada', { note: 'kept' }])
  })

  it('a write of data seals it with the newest key', async () => {
    const { sessions, store, clock, token } = await replaced([KEY, OLDER_KEY])
    const session = await sessions.read(token)
    await session.update((data) => {
      data.note = 'new'
    })
    await session.rotate()
    const renewed = await tokenOf(session)

    expect((await setUp({ keys: [KEY], store, clock }).sessions.read(renewed)).data).toEqual({ note: 'new' })
  })

  it('the successor of a token can be derived again after a newer key was put in front', async () => {
    const { store, clock, sessions } = setUp({ keys: OLDER_KEY })
    const token = await signedIn(sessions)
    const session = await sessions.read(token)
    await session.rotate()
    const lost = await tokenOf(session)
    const after = setUp({ keys: [KEY, OLDER_KEY], store, clock })

    const again = await after.sessions.read(token)

    expect((await after.sessions.read(await tokenOf(again))).state).toBe('active')
    expect((await after.sessions.read(lost)).state).toBe('active')
  })
})
