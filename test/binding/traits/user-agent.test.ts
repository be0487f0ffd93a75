import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HintReader } from '../../../src/binding/traits/client-hints.ts'
import { packageOf } from '../../../src/binding/traits/packages.ts'
import { AgentReader } from '../../../src/binding/traits/user-agent.ts'
import { thrownBy } from '../../core/support.ts'
import { AGENTS, HINTS } from './agents.ts'

const agents = new AgentReader()

describe('user agents', () => {
  it.each([
    ['chromeWindows', 'Chrome', 130, 'Windows'],
    ['chromeMac', 'Chrome', 130, 'macOS'],
    ['chromeLinux', 'Chrome', 130, 'Linux'],
    ['chromeOs', 'Chrome', 130, 'Chrome OS'],
    ['chromeAndroid', 'Chrome', 130, 'Android'],
    ['chromeIphone', 'Chrome', 130, 'iOS'],
    ['edgeWindows', 'Microsoft Edge', 130, 'Windows'],
    ['operaWindows', 'Opera', 115, 'Windows'],
    ['samsungAndroid', 'Samsung Internet for Android', 27, 'Android'],
    ['firefoxWindows', 'Firefox', 132, 'Windows'],
    ['firefoxLinux', 'Firefox', 132, 'Linux'],
    ['firefoxMac', 'Firefox', 132, 'macOS'],
    ['firefoxAndroid', 'Firefox', 132, 'Android'],
    ['safariMac', 'Safari', 18, 'macOS'],
    ['safariIphone', 'Safari', 18, 'iOS'],
    ['safariIpad', 'Safari', 18, 'iOS'],
    ['headless', 'Chrome', 130, 'Linux'],
  ] as const)('%s is %s %i on %s', (name, family, major, os) => {
    expect(agents.read(AGENTS[name])).toEqual({ family, major, os, knownFamily: family })
  })

  it.each([
    ['curl', 'curl', 8],
    ['python', 'python-requests', 2],
    ['app', 'ShopApp', 3],
  ] as const)('%s is told apart by its first word, which is shown to nobody', (name, family, major) => {
    expect(agents.read(AGENTS[name])).toMatchObject({ family, major, knownFamily: undefined })
  })

  it('what nobody can read is one kind of client, with a word of at most 64 characters', () => {
    const hostile = [
      '',
      ' ',
      '\0',
      '\0'.repeat(10_000),
      'é'.repeat(9000),
      '😀/1',
      '/',
      '((((',
      '__proto__/1',
      `Chrome/${'9'.repeat(400)}`,
      'Chrome/-1',
      'Chrome/NaN',
    ]
    for (const text of hostile) {
      const { family, major, os } = agents.read(text)
      expect([family.length <= 64, major >= 0 && major <= 9999, os]).toEqual([true, true, ''])
    }
  })

  it('the same text gives the same answer, whatever came between, and none throws', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...Object.values(AGENTS))), { maxLength: 40 }), (texts) => {
        expect(texts.map((text) => agents.read(text))).toEqual(texts.map((text) => new AgentReader().read(text)))
      }),
      { numRuns: 50 },
    )
  })

  it('what comes after 512 characters is not looked at', () => {
    expect(agents.read(`x${' '.repeat(510)}${AGENTS.firefoxLinux}`)).toMatchObject({
      family: 'x',
      os: '',
      knownFamily: undefined,
    })
  })

  it('a megabyte of user agent costs no more than its first 512 characters', () => {
    const long = `${AGENTS.firefoxLinux}${' (a'.repeat(350_000)}`
    const startedAt = performance.now()
    for (let i = 0; i < 50; i++) agents.read(long)

    expect(agents.read(long)).toMatchObject({ family: 'Firefox', major: 132 })
    expect(performance.now() - startedAt).toBeLessThan(500)
  })
})

describe('client hints', () => {
  const hints = new HintReader()
  const read = (given: Partial<Record<keyof (typeof HINTS)['chromeWindows'], string>>) =>
    hints.read(given['sec-ch-ua'], given['sec-ch-ua-platform'], given['sec-ch-ua-mobile'])

  it('brands are read without their versions and without the made-up one, in whatever order', () => {
    const chrome = { brands: 'Chromium, Google Chrome', platform: 'Windows', mobile: '?0' }

    expect([read(HINTS.chromeWindows), read(HINTS.chromeWindowsNext)]).toEqual([chrome, chrome])
    expect(read(HINTS.edgeWindows)?.brands).toBe('Chromium, Microsoft Edge')
  })

  it.each([
    'Not A;Brand',
    'Not_A Brand',
    'Not/A)Brand',
    ';Not A Brand',
    ' Not A;Brand',
    'Not.A/Brand',
    'Not-A.Brand',
    'Not(A:Brand',
    'Not)A;Brand',
  ])('%j is made up', (name) => {
    expect(read({ 'sec-ch-ua': `"${name}";v="99", "Chromium";v="130"` })?.brands).toBe('Chromium')
  })

  it('none sent is not the same as empty ones', () => {
    expect([read({}), read({ 'sec-ch-ua': '' })]).toEqual([undefined, { brands: '', platform: '', mobile: '' }])
  })

  it.each([
    ['"Amiga"', 'other'],
    ['Windows', 'other'],
    ['"Windows", "Linux"', 'other'],
    ['"', 'other'],
    ['"macOS"', 'macOS'],
  ])('the platform %s is %s', (header, platform) => {
    expect(read({ 'sec-ch-ua-platform': header })?.platform).toBe(platform)
  })

  it.each(['?1, ?0', 'true', '', '?2'])('the mobile flag %j is neither', (header) => {
    expect(read({ 'sec-ch-ua-mobile': header })?.mobile).toBe('other')
  })

  it('garbage is cut and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^["\\;=,a v]{0,600}$/)), (text) => {
        const { brands } = read({ 'sec-ch-ua': text })!
        expect(brands.length).toBeLessThanOrEqual(600)
      }),
    )
  })
})

it('a package that is not installed is named in one sentence', () => {
  const missing = () => {
    throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' })
  }

  for (const name of ['bowser', 'ipaddr.js', 'mmdb-lib'] as const) {
    const { code, message } = thrownBy(() => packageOf(name, missing))
    expect([code, message.includes(`npm install ${name}.`)]).toEqual(['ERR_CONFIG_INVALID', true])
  }
})
