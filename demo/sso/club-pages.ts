/** The club's two pages, by hand and by lamplight. */
import { type Html, html } from '../html.ts'

export function clubPage({ member, shop }: { readonly member: string | undefined; readonly shop: string }): string {
  return page(
    'Tonight',
    member === undefined
      ? html`<h1>Who is there?</h1>
<p>The club meets on Thursdays. Members come in with the same sign-in as at <a href="${shop}/">Sojourn Books</a>; there is no other.</p>
<form method="post" action="/sign-in"><button>Come in with Sojourn ID</button></form>`
      : html`<h1>Good evening, <span data-member>${member}</span>.</h1>
<p>Tonight we read the third chapter aloud. Bring a blanket.</p>
<ol><li><b>19:30</b> tea, and who finished it</li><li><b>20:00</b> the chapter</li><li><b>21:00</b> what happens next, by vote</li></ol>
<p>You came in by Sojourn ID, as at <a href="${shop}/">Sojourn Books</a>. Leave here and you have left there, too.</p>
<form method="post" action="/sign-out"><button class="quiet">Sign out of both</button></form>`,
  )
}

/** Says nothing of what went wrong: it may repeat what was sent. */
export function failedPage(): string {
  return page(
    'That did not work',
    html`<h1>That did not work</h1><p>The sign-in is over, began in another browser, or Sojourn ID is away for a moment.</p><p><a href="/">Try again</a></p>`,
  )
}

function page(title: string, main: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · The Reading Club</title>
<link rel="stylesheet" href="/styles.css">
</head>
<body>
<header><span aria-hidden="true">❧</span> The Reading Club</header>
<main>
${main}
</main>
</body>
</html>
`.toString()
}

/** Green walls, brass lamp. */
export const clubStyles = `
:root { color-scheme: light dark; --ground: #eef0e4; --ink: #1d2a1f; --soft: #4d5c4f; --edge: #8b9a83; --accent: #2f5d3a; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #101a13; --ink: #e8ecdd; --soft: #aab8a6; --edge: #5d6f5e; --accent: #d9b45c; --on-accent: #1d1604; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 38rem; padding: clamp(1.5rem, 6vw, 4rem) 1.25rem; background: var(--ground); color: var(--ink); font: 1.0625rem/1.6 Georgia, "Times New Roman", serif; }
header { letter-spacing: .06em; color: var(--soft); border-bottom: 1px solid var(--edge); padding-bottom: .75rem; }
h1 { font-weight: 400; font-size: clamp(1.8rem, 6vw, 2.6rem); line-height: 1.15; margin: 2rem 0 1rem; }
ol { list-style: none; padding: 0; border-block: 1px solid var(--edge); }
li { padding: .6rem 0; }
li + li { border-top: 1px dashed var(--edge); }
b { display: inline-block; min-width: 4rem; font-variant-numeric: tabular-nums; color: var(--accent); }
a { color: var(--accent); }
button { font: inherit; min-height: 2.75rem; padding: .5rem 1.25rem; margin-top: .5rem; cursor: pointer; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .25rem; }
button.quiet { color: var(--accent); background: transparent; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
`
