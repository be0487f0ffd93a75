import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deviceName } from '../../src/http/device.ts'

const CHROME = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0'

describe('a device’s name', () => {
  test.each([
    ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'],
    ['Chrome on Windows', `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME} Safari/537.36`],
    ['Edge on Windows', `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME} Safari/537.36 Edg/140.0.0.0`],
    ['Opera on macOS', `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${CHROME} Safari/537.36 OPR/120.0`],
    [
      'Safari on macOS',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
    ],
    [
      'Safari on iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1',
    ],
    [
      'Firefox on iPad',
      'Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/143.0 Mobile Safari/605.1.15',
    ],
    ['Chrome on Android', `Mozilla/5.0 (Linux; Android 15) ${CHROME} Mobile Safari/537.36`],
    [
      'Samsung Internet on Android',
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36',
    ],
    ['Chrome on ChromeOS', `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${CHROME} Safari/537.36`],
    ['curl', 'curl/8.14.1'],
    ['Linux', 'Linux'],
  ])('%s', (name, userAgent) => {
    expect(deviceName(userAgent)).toBe(name)
  })

  test.each([[undefined], [''], ['x'], ['node'], [`${'x'.repeat(600)}Firefox/1`]])('%j has none', (userAgent) => {
    expect(deviceName(userAgent)).toBeUndefined()
  })

  test('is made of known words alone, whatever the client sent', () => {
    const hostile = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('Firefox/', 'Linux', '<script>', 'Android')))
    fc.assert(
      fc.property(hostile, (parts) => {
        expect(deviceName(parts.join(' ')) ?? 'Linux').toMatch(/^(?:[A-Z][A-Za-z ]+ on )?[A-Za-z]+$/)
      }),
    )
  })
})
