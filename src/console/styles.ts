/**
 * The style sheet of the console, as text: the build carries TypeScript alone. Colours are named by what they are for, and every pair of text and ground has a contrast of 4.5 at least in both
 * schemes (WCAG 2.2, 1.4.3). Tables are cards on a phone. Nothing is told by colour alone.
 */
export const STYLES = `
:root {
  color-scheme: light dark;
  --ground: #f5f6f8; --card: #ffffff; --sunk: #eef0f4; --ink: #18202c; --soft: #515c6b; --line: #d8dde5; --edge: #7c8797;
  --accent: #0a5f66; --accent-ink: #ffffff; --wash: #e2f1f1; --good: #17633a; --good-wash: #e3f3e9; --warn: #7c4a00; --warn-wash: #fdf0d8;
  --bad: #a3211a; --bad-wash: #fde8e5; --focus: #0b57d0;
  --shadow: 0 1px 2px rgb(20 30 45 / .06), 0 6px 20px -12px rgb(20 30 45 / .18);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10141a; --card: #181e26; --sunk: #212934; --ink: #e8ecf2; --soft: #a5b0be; --line: #2c3642; --edge: #76828f;
    --accent: #6fcdce; --accent-ink: #04282b; --wash: #15333a; --good: #7ed6a2; --good-wash: #13301f; --warn: #f1bd66; --warn-wash: #372a10;
    --bad: #ff9d92; --bad-wash: #3d1a17; --focus: #8ab8ff; --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--ground); color: var(--ink); min-height: 100vh;
  font: 400 .9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums;
}
h1, h2, h3, p, dl, dd, ol, ul, figure { margin: 0; padding: 0; }
ol, ul { list-style: none; }
h1 { font-size: 1.5rem; line-height: 1.2; letter-spacing: -.015em; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 1rem; line-height: 1.3; font-weight: 650; }
h3 { font-size: .9375rem; font-weight: 650; overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
bdi, td, dd, code { overflow-wrap: anywhere; }
code, .id { font: .8125rem/1.5 ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: 1rem; top: -5rem; z-index: 9; background: var(--ink); color: var(--ground); padding: .6rem 1rem; border-radius: 6px; }
.skip:focus { top: .75rem; }
.hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.top { background: var(--card); border-bottom: 1px solid var(--line); }
.top-in { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; padding: .75rem 1rem; }
.brand { display: flex; align-items: center; gap: .6rem; font-weight: 650; color: var(--ink); text-decoration: none; min-height: 2rem; min-width: 0; }
.brand svg { width: 1.6rem; height: 1.6rem; flex: none; fill: none; stroke: var(--accent); stroke-width: 2.4; stroke-linecap: round; }
.brand bdi { color: var(--soft); font-weight: 450; }
.who { margin-left: auto; color: var(--soft); font-size: .8125rem; display: flex; gap: .5rem; align-items: center; min-width: 0; }
.nav { border-top: 1px solid var(--line); padding: .4rem .6rem; }
.nav ul { display: flex; flex-wrap: wrap; gap: .15rem; }
.nav a { display: flex; align-items: center; min-height: 2.125rem; padding: .25rem .65rem; border-radius: 7px; color: var(--soft); text-decoration: none; font-weight: 500; }
.nav a:hover { background: var(--sunk); color: var(--ink); }
.nav a[aria-current] { background: var(--wash); color: var(--accent); font-weight: 650; box-shadow: inset 0 -2px 0 var(--accent); }
main { padding: 1.25rem 1rem 3rem; max-width: 88rem; display: grid; gap: 1.25rem; align-content: start; min-width: 0; }
main > * { min-width: 0; }
.head { display: grid; gap: .35rem; }
.head p { color: var(--soft); max-width: 70ch; }
.trail { font-size: .8125rem; color: var(--soft); display: flex; gap: .4rem; flex-wrap: wrap; }
.trail a { min-height: 1.5rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); padding: 1rem; display: grid; gap: .75rem; align-content: start; min-width: 0; }
.card-head { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; justify-content: space-between; }
.quiet { color: var(--soft); }
.small { font-size: .8125rem; }
.grid { display: grid; gap: 1.25rem; }
.grid > * { min-width: 0; }
.stats { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .75rem; }
.stat { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); padding: .8rem 1rem; display: grid; gap: .1rem; min-width: 0; }
.stat dt { color: var(--soft); font-size: .8125rem; }
.stat dd { font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -.02em; }
time { white-space: nowrap; }
abbr { text-decoration: none; }
.stat .small { display: block; font-weight: 400; letter-spacing: 0; font-size: .75rem; color: var(--soft); }
.facts { display: grid; gap: .55rem 1.5rem; }
.facts > div { display: grid; gap: .05rem; min-width: 0; }
.facts dt { color: var(--soft); font-size: .8125rem; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.button, button { font: inherit; font-weight: 600; display: inline-flex; align-items: center; justify-content: center; min-height: 2.25rem; padding: .3rem .85rem; border-radius: 8px;
  border: 1px solid var(--edge); background: var(--card); color: var(--ink); text-decoration: none; cursor: pointer; }
.button:hover, button:hover { background: var(--sunk); }
.main-button { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
.main-button:hover { background: var(--accent); filter: brightness(1.08); }
.grave { color: var(--bad); border-color: var(--bad); }
.grave:hover { background: var(--bad-wash); }
button.grave-main { background: var(--bad); border-color: var(--bad); color: var(--card); }
button.grave-main:hover { background: var(--bad); filter: brightness(1.08); }
.slim { min-height: 1.875rem; padding: .1rem .6rem; font-size: .8125rem; }
form.filters { display: grid; gap: .75rem; }
.field { display: grid; gap: .25rem; min-width: 0; }
.field label, legend { font-size: .8125rem; font-weight: 600; padding: 0; }
.field .hint { font-size: .8125rem; color: var(--soft); }
input, select { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--edge); border-radius: 8px; min-height: 2.25rem; padding: .3rem .6rem; width: 100%; min-width: 0; }
.check { display: flex; gap: .6rem; align-items: center; }
.check input { width: 1.5rem; min-height: 1.5rem; height: 1.5rem; flex: none; accent-color: var(--accent); }
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; color: var(--soft); font-size: .8125rem; padding-bottom: .5rem; }
thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
tbody tr { display: grid; grid-template-columns: minmax(0, 1fr); gap: .3rem; padding: .8rem 0; border-top: 1px solid var(--line); }
tbody tr:first-child { border-top: 0; padding-top: 0; }
tbody td, tbody th { display: flex; gap: .75rem; justify-content: space-between; text-align: right; font-weight: 400; }
tbody td::before, tbody th::before { content: attr(data-name); color: var(--soft); font-size: .8125rem; text-align: left; flex: none; }
tbody th { font-weight: 600; text-align: left; justify-content: flex-start; }
tbody th::before { content: none; }
td.act::before { content: none; }
td.act { justify-content: flex-start; }
.tag { display: inline-flex; align-items: center; gap: .3rem; font-size: .8125rem; font-weight: 600; padding: .05rem .5rem; border-radius: 999px; background: var(--sunk); color: var(--ink); white-space: nowrap; }
.tag-good { background: var(--good-wash); color: var(--good); }
.tag-warn { background: var(--warn-wash); color: var(--warn); }
.tag-bad { background: var(--bad-wash); color: var(--bad); }
.tag svg { width: .7rem; height: .7rem; fill: none; stroke: currentColor; stroke-width: 2.5; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.note { border: 1px solid var(--line); border-left: 4px solid var(--accent); background: var(--card); border-radius: 8px; padding: .7rem 1rem; max-width: 75ch; }
.note-warn { border-left-color: var(--warn); }
.note-bad { border-left-color: var(--bad); }
.count { font-size: 2.5rem; font-weight: 700; letter-spacing: -.03em; line-height: 1.1; }
.timeline { display: grid; position: relative; }
.timeline li { display: grid; grid-template-columns: 1.25rem minmax(0, 1fr); gap: .1rem .6rem; padding: .45rem 0; position: relative; }
.timeline li::before { content: ""; width: .6rem; height: .6rem; border-radius: 50%; border: 2px solid var(--edge); background: var(--card); margin: .42rem 0 0 .2rem; z-index: 1; }
.timeline li::after { content: ""; position: absolute; left: .47rem; top: 1.4rem; bottom: -.6rem; width: 2px; background: var(--line); }
.timeline li:last-child::after { content: none; }
.timeline .warn::before { border-color: var(--warn); background: var(--warn); border-radius: 2px; }
.timeline .critical::before { border-color: var(--bad); background: var(--bad); border-radius: 0; transform: rotate(45deg); }
.timeline p { overflow-wrap: anywhere; }
.chart { display: grid; gap: .35rem; }
.chart svg { width: 100%; height: 6.5rem; display: block; }
.chart .mark { fill: var(--accent); }
.chart .mark-bad { fill: var(--bad); }
.chart .rule { stroke: var(--line); stroke-width: 1; }
.chart .ends { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; }
.meter { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .15rem .75rem; align-items: baseline; }
.meter svg { grid-column: 1 / -1; width: 100%; height: .4rem; display: block; }
.meter .track { fill: var(--sunk); }
.meter .mark { fill: var(--accent); }
.list { display: grid; gap: .6rem; }
.list-lined > li { border-top: 1px solid var(--line); padding-top: .6rem; }
.list-lined > li:first-child { border-top: 0; padding-top: 0; }
.live { font-size: .8125rem; color: var(--soft); display: inline-flex; gap: .4rem; align-items: center; }
.live::before { content: ""; width: .55rem; height: .55rem; border-radius: 50%; border: 2px solid var(--edge); }
.live[data-on]::before { background: var(--good); border-color: var(--good); }
.live[hidden] { display: none; }
.toasts { position: fixed; inset: auto 1rem 1rem auto; display: grid; gap: .5rem; z-index: 5; max-width: min(24rem, calc(100vw - 2rem)); }
.toast { background: var(--ink); color: var(--ground); padding: .7rem 1rem; border-radius: 10px; box-shadow: var(--shadow); overflow-wrap: anywhere; }
.pages { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; justify-content: space-between; }
.foot { padding: 0 1rem 2rem; color: var(--soft); font-size: .8125rem; max-width: 88rem; }
@media (min-width: 640px) {
  .nav { border-top: 0; padding: 0; }
  .stats { grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
  .facts { grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
  form.filters { grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); align-items: end; }
}
@media (min-width: 860px) {
  thead { position: static; width: auto; height: auto; clip-path: none; }
  thead th { text-align: left; font-size: .75rem; font-weight: 600; color: var(--soft); padding: 0 .75rem .4rem 0; vertical-align: bottom; }
  tbody tr { display: table-row; }
  tbody tr:hover { background: var(--sunk); }
  tbody td, tbody th { display: table-cell; text-align: left; padding: .45rem .75rem .45rem 0; border-top: 1px solid var(--line); vertical-align: top; }
  tbody td:first-child, tbody th:first-child { padding-left: .25rem; }
  tbody td::before, tbody th::before { content: none; }
  .dense td, .dense th { overflow-wrap: break-word; }
  .dense code, .dense .tag, .dense .id { white-space: nowrap; overflow-wrap: normal; }
  td.act { text-align: right; white-space: nowrap; padding-right: .25rem; }
  td.number, th.number { text-align: right; }
  .halves { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); align-items: start; }
  .sides { grid-template-columns: minmax(0, 1.7fr) minmax(0, 1fr); align-items: start; }
}
@media (min-width: 1100px) {
  body { display: grid; grid-template-columns: 14.5rem minmax(0, 1fr); grid-template-rows: 1fr auto; }
  .top { grid-row: 1 / 3; border-bottom: 0; border-right: 1px solid var(--line); }
  .top-in { flex-direction: column; align-items: stretch; padding: 1.25rem 1rem 1rem; position: sticky; top: 0; }
  .nav { border-top: 0; padding: .25rem 0; margin: 0 -.4rem; }
  .nav ul { flex-direction: column; }
  .nav a { padding: .3rem .8rem; }
  .nav a[aria-current] { box-shadow: inset 3px 0 0 var(--accent); border-radius: 4px 7px 7px 4px; }
  .brand bdi { display: block; }
  .who { margin: .5rem 0 0; flex-wrap: wrap; }
  main { padding: 1.75rem 2rem 3rem; gap: 1.5rem; }
  .foot { padding: 0 2rem 2rem; }
  h1 { font-size: 1.75rem; }
}
@media (prefers-reduced-motion: no-preference) {
  .toast { animation: rise .25s ease-out; }
  @keyframes rise { from { opacity: 0; transform: translateY(.5rem); } }
}
@media (forced-colors: active) {
  .tag, .card, .stat { border: 1px solid; }
  .chart .mark, .chart .mark-bad, .meter .mark { fill: CanvasText; }
}
`
