import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  ConfigError,
  isSojournError,
  SessionDataError,
  SessionStateError,
  SojournError,
  StoreError,
  TransportError,
} from '../../src/core/errors.ts'

describe('SojournError', () => {
  it.each([ConfigError, SessionDataError, SessionStateError, StoreError, TransportError])(
    '%o has its own name and is one of ours',
    (Kind) => {
      const error = new Kind('message', { code: 'ERR_SESSION_ENDED' })

      expect([error.name, error instanceof SojournError, error.status]).toEqual([Kind.name, true, 500])
    },
  )

  it('serialised, it has no stack and no cause', () => {
    const error = new StoreError('away', {
      code: 'ERR_STORE_UNAVAILABLE',
      status: 503,
      cause: new Error('postgres://user:pw@db'),
    })

    expect(JSON.parse(JSON.stringify(error))).toEqual({ name: 'StoreError', code: 'ERR_STORE_UNAVAILABLE', message: 'away' })
  })

  it('a cause that was not given is not there', () => {
    expect('cause' in new ConfigError('message', { code: 'ERR_CONFIG_INVALID' })).toBe(false)
  })

  it('the code shows when it is printed', () => {
    expect(inspect(new ConfigError('message', { code: 'ERR_CONFIG_INVALID' }))).toMatch(/ERR_CONFIG_INVALID/)
  })
})

describe('isSojournError', () => {
  const error = new StoreError('away', { code: 'ERR_STORE_UNAVAILABLE' })

  it.each([
    [error, undefined, true],
    [error, 'ERR_STORE_UNAVAILABLE', true],
    [error, 'ERR_STORE_FULL', false],
    [new Error('plain'), undefined, false],
    [Object.assign(new Error('node'), { code: 'ERR_INVALID_ARG_TYPE' }), undefined, false],
    [Object.assign(new Error('node'), { code: 42 }), undefined, false],
    [{ code: 'ERR_STORE_UNAVAILABLE', status: 503 }, undefined, false],
    [undefined, undefined, false],
    [null, 'ERR_STORE_FULL', false],
  ] as const)('recognises by code (case %#)', (value, code, expected) => {
    expect(isSojournError(value, code)).toBe(expected)
  })

  it('recognises an error of another copy of the package', () => {
    const foreign = Object.assign(new Error('away'), { code: 'ERR_STORE_UNAVAILABLE', status: 503 })

    expect(isSojournError(foreign)).toBe(true)
  })
})
