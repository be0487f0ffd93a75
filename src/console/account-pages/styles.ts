/**
 * The part's looks. Every rule begins with `.sja`, so that it changes nothing of the page it stands in; colours are custom properties, which that page may set. A string,
 * so that it survives the build; no font, no picture, nothing from elsewhere.
 */

export const STYLES = `
.sja {
  --sja-ink: #1c2430; --sja-soft: #55606e; --sja-paper: #f6f7f9; --sja-card: #ffffff; --sja-line: #d8dde3; --sja-edge: #7a8694;
  --sja-accent: #0b5d66; --sja-accent-ink: #ffffff; --sja-accent-paper: #e2f2f3; --sja-grave: #a3262a; --sja-odd: #7a4a00; --sja-odd-paper: #fff3dc;
  color: var(--sja-ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  max-width: 60rem; margin: 0 auto; padding: clamp(1rem, 4vw, 3rem) clamp(1rem, 4vw, 2rem); container: sja / inline-size; overflow-wrap: anywhere;
}
@media (prefers-color-scheme: dark) {
  .sja {
    --sja-ink: #e8ecf1; --sja-soft: #a9b4c0; --sja-paper: #12161b; --sja-card: #1b2128; --sja-line: #333d48; --sja-edge: #7f8b98;
    --sja-accent: #7fd3da; --sja-accent-ink: #06282c; --sja-accent-paper: #123338; --sja-grave: #ff9c97; --sja-odd: #f3c877; --sja-odd-paper: #3a2d12;
  }
}
.sja-page { margin: 0; background: #f6f7f9; }
@media (prefers-color-scheme: dark) { .sja-page { background: #12161b; } }
.sja *, .sja *::before { box-sizing: border-box; }
.sja h1, .sja h2, .sja h3, .sja p, .sja ul, .sja ol, .sja dl, .sja dd { margin: 0; padding: 0; }
.sja h1 { font-size: clamp(1.6rem, 1.2rem + 2vw, 2.2rem); line-height: 1.15; letter-spacing: -.015em; font-weight: 680; text-wrap: balance; }
.sja h2 { font-size: 1.1rem; font-weight: 650; margin-block-end: .75rem; }
.sja ul, .sja ol { list-style: none; }
.sja-head { display: grid; gap: .75rem; margin-block-end: 2rem; }
.sja-head p { max-width: 42rem; color: var(--sja-soft); }
.sja-section { margin-block-end: 2.5rem; }
.sja-quiet { color: var(--sja-soft); }
.sja-section > .sja-quiet { margin-block: .75rem; }
.sja-told { background: var(--sja-accent-paper); border-inline-start: .25rem solid var(--sja-accent); border-radius: .5rem; padding: .75rem 1rem !important; margin-block-end: 2rem !important; }
.sja-told-odd { background: var(--sja-odd-paper); border-color: var(--sja-odd); }
.sja-devices { display: grid; gap: .75rem; }
.sja-device { display: grid; grid-template-columns: 2.75rem 1fr; gap: .75rem 1rem; align-items: start; background: var(--sja-card); border: 1px solid var(--sja-line); border-radius: .9rem; padding: 1rem; }
.sja-device-current { border-color: var(--sja-accent); box-shadow: inset .25rem 0 0 var(--sja-accent); }
.sja-picture { width: 2.75rem; height: 2.75rem; fill: none; stroke: var(--sja-accent); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.sja-device-words { min-width: 0; display: grid; gap: .5rem; }
.sja-name { font-size: 1.05rem; font-weight: 650; line-height: 1.35; }
.sja-tag { display: inline-block; font-size: .8rem; font-weight: 600; line-height: 1.4; padding: .05rem .55rem; border-radius: 1rem; background: var(--sja-accent-paper); color: var(--sja-accent); white-space: nowrap; }
.sja-tag-odd { background: var(--sja-odd-paper); color: var(--sja-odd); }
.sja-odd-note { color: var(--sja-odd); }
.sja-facts { display: grid; gap: .25rem 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(6.5rem, 100%), 1fr)); }
.sja-facts dt { font-size: .8rem; color: var(--sja-soft); }
.sja time { text-decoration: underline dotted transparent; cursor: default; }
.sja-deeds { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: .5rem; }
.sja-row { display: flex; flex-wrap: wrap; gap: .75rem; }
.sja-button { display: inline-flex; align-items: center; justify-content: center; min-height: 2.5rem; padding: .4rem 1rem; border: 1px solid var(--sja-edge); border-radius: .6rem; background: var(--sja-card); color: var(--sja-ink); font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; }
.sja-button:hover { border-color: var(--sja-accent); color: var(--sja-accent); }
.sja-button-grave { border-color: var(--sja-grave); color: var(--sja-grave); }
.sja-button-grave:hover { background: var(--sja-grave); border-color: var(--sja-grave); color: var(--sja-card); }
.sja-button-main { background: var(--sja-accent); border-color: var(--sja-accent); color: var(--sja-accent-ink); }
.sja-button-main:hover { color: var(--sja-accent-ink); filter: brightness(1.1); }
.sja-link { display: inline-flex; align-items: center; min-height: 2rem; color: var(--sja-accent); text-underline-offset: .2em; }
.sja a:focus-visible, .sja button:focus-visible { outline: 3px solid var(--sja-accent); outline-offset: 2px; }
.sja-activity { background: var(--sja-card); border: 1px solid var(--sja-line); border-radius: .9rem; }
.sja-line { display: grid; gap: 0 1rem; padding: .65rem 1rem; }
.sja-line + .sja-line { border-block-start: 1px solid var(--sja-line); }
.sja-line-odd { box-shadow: inset .25rem 0 0 var(--sja-odd); }
.sja-line-when { color: var(--sja-soft); font-size: .9rem; }
.sja-line .sja-link { font-size: .9rem; justify-self: start; }
.sja-ask { display: grid; gap: 1rem; max-width: 40rem; background: var(--sja-card); border: 1px solid var(--sja-line); border-radius: .9rem; padding: 1.25rem; margin-block-end: 2rem; }
.sja-ask .sja-row { margin-block-start: .5rem; }
.sja-miniature { display: flex; gap: .75rem; align-items: center; }
.sja-miniature .sja-picture { width: 2rem; height: 2rem; flex: none; }
.sja-miniature > span { min-width: 0; }
.sja-miniature small { display: block; color: var(--sja-soft); font-size: .85rem; }
.sja-steps { counter-reset: step; display: grid; gap: .75rem; }
.sja-steps li { counter-increment: step; display: grid; grid-template-columns: 2rem 1fr; gap: .5rem .75rem; align-items: start; justify-items: start; background: var(--sja-card); border: 1px solid var(--sja-line); border-radius: .9rem; padding: 1rem; }
.sja-steps li::before { content: counter(step); display: grid; place-items: center; width: 1.75rem; height: 1.75rem; border-radius: 50%; background: var(--sja-accent-paper); color: var(--sja-accent); font-weight: 700; }
.sja-steps li > * { grid-column: 2; }
.sja-steps li > p { padding-block-start: .1rem; }
@container sja (min-width: 40rem) {
  .sja-device { grid-template-columns: 2.75rem 1fr auto; padding: 1.1rem 1.25rem; }
  .sja-deeds { grid-column: 3; flex-direction: column; align-items: stretch; }
  .sja-line { grid-template-columns: 1fr auto 8.5rem; align-items: baseline; }
  .sja-line .sja-link { min-height: 1.5rem; justify-self: end; }
}
@media (forced-colors: active) { .sja-device-current, .sja-line-odd { border-inline-start: .3rem solid; } }
@media (prefers-reduced-motion: no-preference) { .sja-button { transition: background-color .12s, color .12s, border-color .12s; } }
@media print { .sja-deeds, .sja-row, .sja-link { display: none; } }
`
