// RFC 4226 (HOTP) and RFC 6238 (TOTP), what a verifier has to do.
import fc from 'fast-check'
import { createStepUp } from 'sojourn/stepup'
import { expect, it } from 'vitest'
import { days, minutes, seconds } from '../../../src/core/duration.ts'
import { memoryFactorStore } from '../../../src/stepup/stores/memory.ts'
import { type Algorithm, parseCode, stepAt } from '../../../src/stepup/totp/code.ts'
import { codesOf } from '../../../src/stepup/totp/packages.ts'
import { setUp } from '../../core/support.ts'
import { appOf, codes } from '../../stepup/codes-support.ts'

const VECTORS: [Algorithm, number, string[]][] = [
  ['SHA1', 20, ['94287082', '07081804', '14050471', '89005924', '69279037', '65353130']],
  ['SHA256', 32, ['46119246', '68084774', '67062674', '91819424', '90698825', '77737706']],
  ['SHA512', 64, ['90693936', '25091201', '99943326', '93441116', '38618901', '47863826']],
]

it.each(VECTORS)('OTP-01: the published codes of %s, up to the year 2603', async (algorithm, length, expected) => {
  const secret = Buffer.from('1234567890'.repeat(7).slice(0, length))
  const codeOf = await codesOf({ secret, algorithm, digits: 8 })
  const times = [59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000]

  expect(times.map((second) => codeOf(stepAt(second * 1000)))).toEqual(expected)
})

it('OTP-02: a secret has 160 bits, from the random source', async () => {
  const { totp, signIn } = codes({ random: (size) => Buffer.alloc(size, 7) })
  const { secret } = await totp.begin(await signIn(), { account: 'ada' })

  expect(secret).toBe('A4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYH')
})

it('OTP-03: a code that was accepted is not accepted again, nor one of before it; of many at once one is', async () => {
  const { totp, enrolled, signIn, clock } = codes()
  const { app } = await enrolled()
  clock.advance(minutes(1))
  const sessions = await Promise.all(Array.from({ length: 30 }, () => signIn()))
  const outcomes = await Promise.all(sessions.map((session) => totp.verify(session, app(clock()))))
  const before = await totp.verify(sessions[0]!, app(clock() - seconds(30)))

  expect([outcomes.filter(({ ok }) => ok).length, before.ok]).toEqual([1, false])
})

it('OTP-04: one step of delay is allowed at most, and no drift is remembered', async () => {
  const { totp, enrolled, clock } = codes()
  const { session, app } = await enrolled()
  clock.advance(minutes(5))
  // An app that is one step behind stays one step behind, however often it is used.
  const behind: boolean[] = []
  for (let i = 0; i < 3; i++) {
    behind.push((await totp.verify(session, app(clock() - seconds(30)))).ok)
    clock.advance(minutes(1))
    behind.push((await totp.verify(session, app(clock() - seconds(60)))).ok)
    clock.advance(minutes(1))
  }

  expect(behind).toEqual([true, false, true, false, true, false])
})

it('OTP-05: tries are throttled for the account, and a new session starts no count anew', async () => {
  const { sessions, clock } = setUp()
  const stepUp = createStepUp(sessions, { factors: memoryFactorStore(), issuer: 'Library' })
  const owner = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const app = appOf((await stepUp.totp.begin(owner, { account: 'ada' })).uri)
  await stepUp.totp.confirm(owner, app(clock()))
  const reasons: string[] = []
  for (let i = 0; i < 12; i++) {
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    const outcome = await stepUp.totp.verify(session, String(i).padStart(6, '0'))
    reasons.push(outcome.ok ? 'ok' : outcome.reason)
  }
  clock.advance(days(1))

  expect(reasons).toEqual([...Array(5).fill('wrong'), ...Array(7).fill('throttled')])
})

it('OTP-06: a code is its digits, exactly as many as it has; anything else is none, and none crashes', async () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary' })), (typed) => {
      const code = parseCode(typed)
      expect(code === undefined || /^(\d{6}|\d{8})$/.test(code)).toBe(true)
    }),
  )
  const { totp, enrolled } = codes()
  const { session, code } = await enrolled()
  const near = [code().slice(1), `0${code()}`, `${code()}0`, `00${code()}`, `${code()}00`, `+${code().slice(1)}`]

  for (const typed of near) expect((await totp.verify(session, typed)).ok).toBe(false)
})

it('OTP-07: secrets are sealed wherever they are kept, before they are confirmed and after', async () => {
  const { context, totp, signIn, factors, clock } = codes()
  const session = await signIn()
  const { uri, secret } = await totp.begin(session, { account: 'ada' })
  const raw = Buffer.from(base32(secret))
  const pending = await context.ledger.get(`stepup:totp:pending:${session.id}`, { now: clock() })
  await totp.confirm(session, appOf(uri)(clock()))
  const [factor] = await factors.list('ada')
  const kept = [Buffer.from(pending!), Buffer.from(factor!.sealed)]

  for (const bytes of kept)
    for (const spelled of [raw, secret, raw.toString('base64url'), raw.toString('hex')])
      expect(bytes.includes(spelled)).toBe(false)
})

function base32(text: string): number[] {
  const bits = [...text].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2))
}
