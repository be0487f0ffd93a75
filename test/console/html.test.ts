import { expect, it } from 'vitest'
import { html, render } from '../../src/console/html.ts'

it('whatever is put into markup is text, in elements and in attributes, unless it is markup', async () => {
  const hostile = '<b onclick="x">&"\''
  const page = await render(html`<p title=${hostile}>${hostile}${html`<i>${1}</i>`}${false}${undefined}${[null, 'x']}</p>`)
  const escaped = "&lt;b onclick=&quot;x&quot;>&amp;&quot;'"
  expect(page).toBe(`<p title="${escaped}">${escaped}<i>1</i>x</p>`)
})

it.each([
  ['runs', () => html`<p onclick=${'x'}>x</p>`],
  ['is markup by another way', () => html`<p dangerouslySetInnerHTML=${{ __html: '<b>' } as never}></p>`],
  ['styles inline', () => html`<p style=${'color:red'}>x</p>`],
  ['leads to a script', () => html`<a href=${'javascript:alert(1)'}>x</a>`],
  ['leads to another site', () => html`<a href=${'//evil.example'}>x</a>`],
  ['sends elsewhere', () => html`<form action=${'https://evil.example'}></form>`],
])('an attribute that %s makes no page', async (_, markup) => {
  await expect(render(markup())).rejects.toThrow('A page has')
})

it('an object that only looks like markup is text', async () => {
  const forged = { parts: ['<b>x</b>'], values: [], type: 'script', props: { children: 'alert(1)' } }
  expect(await render(html`<p>${forged as never}</p>`)).toBe('<p>[object Object]</p>')
})
