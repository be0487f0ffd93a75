import { SessionDataError, SessionStateError, SojournError, StoreError, TransportError } from 'sojourn'
import { describe, expect, test } from 'vitest'
import { errorResponse, isContentHeader, isOperational, retryAfterOf } from '../../src/http/error-response.ts'

const away = new StoreError('The store at 10.0.0.7 refused the password', { code: 'ERR_STORE_UNAVAILABLE', status: 503 })

describe('the answer to a failure', () => {
  test.each([
    [503, away],
    [401, new SessionStateError('x', { code: 'ERR_SESSION_ENDED', status: 401 })],
    [409, new SessionStateError('x', { code: 'ERR_SESSION_LIMIT', status: 409 })],
    [413, new SessionDataError('x', { code: 'ERR_DATA_TOO_LARGE', status: 413 })],
    [500, new TransportError('x', { code: 'ERR_TRANSPORT_INSECURE' })],
    [500, new SojournError('x', { code: 'ERR_STORE_FULL', status: 200 })],
    [500, Object.assign(new Error('x'), { status: 404 })],
    [500, 'thrown text'],
    [500, undefined],
  ])('has status %i', (status, error) => {
    expect(errorResponse(error, undefined).status).toBe(status)
  })

  test('tells nothing of the error', () => {
    const { body, headers } = errorResponse(away, '*/*')

    expect(body).toBe('Service Unavailable\n')
    expect(headers).toEqual({
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Retry-After': '1',
    })
  })

  test('is JSON for those who ask for it', () => {
    const { body, headers } = errorResponse(away, 'application/json')

    expect(JSON.parse(body)).toEqual({ status: 503, error: 'Service Unavailable' })
    expect(headers['Content-Type']).toBe('application/json')
  })

  test('says when to try again only where that helps', () => {
    expect(retryAfterOf(away)).toBe('1')
    expect(retryAfterOf(new SessionStateError('x', { code: 'ERR_SESSION_ENDED', status: 401 }))).toBeUndefined()
    expect(retryAfterOf(new Error('x'))).toBeUndefined()
  })
})

test('an outage and an ended session are in the course of things; misuse is not', () => {
  expect(isOperational(away)).toBe(true)
  expect(isOperational(new TransportError('x', { code: 'ERR_TRANSPORT_INSECURE' }))).toBe(false)
  expect(isOperational(new Error('x'))).toBe(false)
})

test('headers about the dropped answer are told from the others', () => {
  const names = ['Location', 'ETag', 'Content-Type', 'content-length', 'Content-Disposition', 'Last-Modified', 'Link', 'Refresh']
  const others = [
    'Content-Security-Policy',
    'Content-Security-Policy-Report-Only',
    'Strict-Transport-Security',
    'Set-Cookie',
    'X-Request-Id',
  ]

  expect(names.filter((name) => !isContentHeader(name))).toEqual([])
  expect(others.filter(isContentHeader)).toEqual([])
})
