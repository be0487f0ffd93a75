import { describe, expect, test } from 'vitest'
import { fieldOfParsed, fieldOfRequest } from '../../src/http/csrf/form-field.ts'

describe('a parsed body', () => {
  test.each<[string, unknown, unknown]>([
    ['has its field', { csrf_token: 'x' }, 'x'],
    ['has it without a prototype', Object.assign(Object.create(null), { csrf_token: 'x' }), 'x'],
    ['has it as it came', { csrf_token: ['a', 'b'] }, ['a', 'b']],
    ['has no field of another name', { 'csrf_token[$ne]': 'x' }, undefined],
    ['has no field of its parents', Object.create({ csrf_token: 'x' }), undefined],
    ['has none by way of __proto__', JSON.parse('{"__proto__":{"csrf_token":"x"}}'), undefined],
    ['may be an array', ['csrf_token'], undefined],
    ['may be text', 'csrf_token=x', undefined],
    ['may be bytes', Buffer.from('csrf_token=x'), undefined],
    ['may be null', null, undefined],
    ['may be missing', undefined, undefined],
  ])('%s', (_what, body, field) => {
    expect(fieldOfParsed(body)).toEqual(field)
  })
})

describe('a Web request', () => {
  const URLENCODED = { 'content-type': 'application/x-www-form-urlencoded' }
  const request = (body: RequestInit['body'], headers: Record<string, string> = URLENCODED) =>
    new Request('https://shop.example/', { method: 'POST', body: body as string, headers, duplex: 'half' } as RequestInit)
  const multipart = () => {
    const form = new FormData()
    form.set('csrf_token', 'x')
    form.set('file', new Blob(['content']), 'a.txt')
    return new Request('https://shop.example/', { method: 'POST', body: form })
  }

  test('has the field of its form, and the handler still has the body', async () => {
    const [plain, parts] = [request('a=b&csrf_token=x%2By'), multipart()]

    expect([await fieldOfRequest(plain), await fieldOfRequest(parts)]).toEqual(['x+y', 'x'])
    expect([await plain.text(), (await parts.formData()).get('csrf_token')]).toEqual(['a=b&csrf_token=x%2By', 'x'])
  })

  test('with the field twice has both, which are no token', async () => {
    expect(await fieldOfRequest(request('csrf_token=x&csrf_token=y'))).toEqual(['x', 'y'])
  })

  test.each<[string, () => Request]>([
    ['no form', () => request('{"csrf_token":"x"}', { 'content-type': 'application/json' })],
    [
      'a type that only begins like a form’s',
      () => request('csrf_token=x', { 'content-type': 'application/x-www-form-urlencodedx' }),
    ],
    ['no type', () => request(new Uint8Array([1]) as never, {})],
    ['no body', () => new Request('https://shop.example/', { method: 'POST', headers: URLENCODED })],
    ['another field', () => request('csrf_token%5B%24ne%5D=x')],
    ['parts that are none', () => request('garbage', { 'content-type': 'multipart/form-data; boundary=x' })],
    ['parts without a boundary', () => request('garbage', { 'content-type': 'multipart/form-data' })],
    ['a form that is too large', () => request(`a=${'b'.repeat(200_000)}&csrf_token=x`)],
    ['a form that says it is', () => request('csrf_token=x', { ...URLENCODED, 'content-length': '1000000' })],
    ['a form that breaks off', () => request(breakingOff() as never)],
  ])('has none: %s', async (_what, make) => {
    expect(await fieldOfRequest(make())).toBeUndefined()
  })

  test('whose body was read before has none', async () => {
    const read = request('csrf_token=x')
    await read.text()

    expect(await fieldOfRequest(read)).toBeUndefined()
  })

  test('of endless length is given up after 128 KiB', async () => {
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 16_384
        controller.enqueue(new Uint8Array(16_384).fill(0x61))
      },
    })

    expect(await fieldOfRequest(request(endless as never))).toBeUndefined()
    expect(sent).toBeLessThan(400_000)
  })
})

function breakingOff(): ReadableStream {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(Buffer.from('csrf_token=x'))
      controller.error(new Error('the client has gone'))
    },
  })
}
