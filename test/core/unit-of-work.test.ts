import { describe, expect, it } from 'vitest'
import { TransportError } from '../../src/core/errors.ts'
import { checkReason } from '../../src/core/unit-of-work.ts'
import { codeOf, setUp } from './support.ts'

describe('a request over a transport that is not safe', () => {
  const refusal = () => new TransportError('plain HTTP', { code: 'ERR_TRANSPORT_INSECURE', status: 400 })

  it('starts no session: nothing is written and no token is made', async () => {
    const { sessions, store } = setUp()
    const session = sessions.anonymous({ startRefusal: refusal })

    expect(await codeOf(session.signIn({ subject: 'ada', method: 'pwd' }))).toBe('ERR_TRANSPORT_INSECURE')
    expect([await session.commit(), store.calls]).toEqual([{ kind: 'none', isLogout: false }, []])
  })

  it('is not asked while nobody starts one', async () => {
    const { sessions } = setUp()
    const asked: number[] = []
    const session = sessions.anonymous({
      startRefusal: () => {
        asked.push(1)
        return refusal()
      },
    })
    await session.commit()

    expect(asked).toEqual([])
  })
})

describe('checkReason', () => {
  it.each(['logout', 'a', 'password-changed', 'v1.2-x', 'x'.repeat(64)])('%s is a machine word', (reason) => {
    expect(() => checkReason(reason)).not.toThrow()
  })

  it.each([undefined, null, 7, '-a', '.a', 'A', 'a_b', 'a\n', 'x'.repeat(65)])('%j is not', (reason) => {
    expect(() => checkReason(reason)).toThrow(/machine word/)
  })
})
