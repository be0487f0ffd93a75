import { describe, expect, it } from 'vitest'
import { findBook, ITEM_ID, shelves } from '../../demo/catalogue.ts'
import { cover } from '../../demo/covers.ts'
import { html } from '../../demo/html.ts'
import { ago, duration, price } from '../../demo/words.ts'

describe('html', () => {
  it('escapes whatever it did not make itself', () => {
    const hostile = `<b>&"'`

    expect(`${html`<p title="${hostile}">${hostile}</p>`}`).toBe(
      '<p title="&lt;b&gt;&amp;&quot;&#39;">&lt;b&gt;&amp;&quot;&#39;</p>',
    )
  })

  it('nests without escaping twice, lists included', () => {
    expect(`${html`<ul>${['a<', 'b'].map((item) => html`<li>${item}</li>`)}</ul>`}`).toBe('<ul><li>a&lt;</li><li>b</li></ul>')
  })

  it('leaves nothing behind for what is not there', () => {
    expect(`${html`[${undefined}${false}${[]}${0}]`}`).toBe('[0]')
  })
})

describe('catalogue', () => {
  it('has thirty-two books with ids a basket accepts', () => {
    const ids = shelves.flatMap((shelf) => shelf.books).map((book) => book.id)

    expect(new Set(ids).size).toBe(32)
    expect(ids.every((id) => ITEM_ID.test(id))).toBe(true)
  })

  it('draws a book the same each time, and another one otherwise', () => {
    const first = `${cover(findBook('b1'), 'b1')}`

    expect(`${cover(findBook('b1'), 'b1')}`).toBe(first)
    expect(`${cover(findBook('b7'), 'b7')}`).not.toBe(first)
    expect(first).not.toContain('style=')
  })
})

describe('words', () => {
  it.each([
    [0, '0 seconds'],
    [-5, '0 seconds'],
    [59_900, '59 seconds'],
    [60_000, '1 minute'],
    [1_799_000, '30 minutes'],
    [1_790_000, '29 minutes'],
    [43_199_000, '12 hours'],
    [41_000_000, '11 hours 23 minutes'],
    [200_000_000, '2 days'],
  ])('%i ms are %s', (milliseconds, words) => {
    expect(duration(milliseconds)).toBe(words)
  })

  it('are said of moments and of sums', () => {
    expect(ago(0, 30_000)).toBe('just now')
    expect(ago(0, 300_000)).toBe('5 minutes ago')
    expect(price(1405)).toBe('€14.05')
  })
})
