import { expect, test } from 'vitest'
import { clearSiteDataHeader, type SiteData } from '../../src/http/clear-site-data.ts'

test('by default this origin’s cache and storage are cleared, in quotes (CSD-1, CSD-4)', () => {
  expect(clearSiteDataHeader()).toBe('"cache", "storage"')
})

test('what is listed is cleared, in the browsers’ spelling', () => {
  expect(clearSiteDataHeader(['cookies', 'executionContexts', 'clientHints', '*'])).toBe(
    '"cookies", "executionContexts", "clientHints", "*"',
  )
})

test('false and an empty list send nothing', () => {
  expect(clearSiteDataHeader(false)).toBeUndefined()
  expect(clearSiteDataHeader([])).toBeUndefined()
})

test.each([[['Cache']], [['"cache"']], ['cache'], [['cache\r\nX: y']], [true]])('%j is refused at start-up', (option) => {
  expect(() => clearSiteDataHeader(option as SiteData[])).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
})
