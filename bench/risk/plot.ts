/** ROC curves as SVG: share of attackers caught over share of legitimate sign-ins challenged, which is drawn on a logarithmic axis. */

export interface Curve {
  readonly name: string
  readonly points: readonly (readonly [challenged: number, caught: number])[]
}

const [WIDTH, HEIGHT, MARGIN] = [720, 440, 56]
/** Names of the curves, in rows of three below the plot. */
const LEGEND = 52
const [LEAST, MOST] = [0.001, 0.2]
const COLOURS = ['#1b6ca8', '#c2410c', '#15803d', '#7e22ce', '#57534e']

export function rocPlot(title: string, curves: readonly Curve[]): string {
  const x = (rate: number) => MARGIN + (Math.log(Math.max(rate, LEAST) / LEAST) / Math.log(MOST / LEAST)) * (WIDTH - 2 * MARGIN)
  const y = (share: number) => HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)
  const percent = (share: number) => `${Math.round(share * 1000) / 10} %`
  const grid = [
    ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2].map(
      (rate) =>
        `<path d="M${x(rate)} ${y(0)}V${y(1)}" stroke="${rate === 0.01 ? '#9ca3af' : '#e5e7eb'}"/><text x="${x(rate)}" y="${HEIGHT - MARGIN + 18}" text-anchor="middle">${percent(rate)}</text>`,
    ),
    ...[0, 0.2, 0.4, 0.6, 0.8, 1].map(
      (share) =>
        `<path d="M${x(LEAST)} ${y(share)}H${x(MOST)}" stroke="#e5e7eb"/><text x="${MARGIN - 8}" y="${y(share) + 4}" text-anchor="end">${percent(share)}</text>`,
    ),
  ]
  const lines = curves.map(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length]
    const inside = points.filter(([rate]) => rate >= LEAST && rate <= MOST)
    const path = inside.map(([rate, share]) => `${x(rate).toFixed(1)} ${y(share).toFixed(1)}`).join('L')
    return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"/><text x="${MARGIN + 210 * (index % 3)}" y="${HEIGHT + 16 + 18 * Math.floor(index / 3)}" fill="${colour}">${name}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT + LEGEND}" font-family="system-ui, sans-serif" font-size="13" fill="#374151" role="img" aria-label="${title}">
<rect width="${WIDTH}" height="${HEIGHT + LEGEND}" fill="#fff"/>
<text x="${MARGIN}" y="28" font-size="16">${title}</text>
${grid.join('\n')}
${lines.join('\n')}
<text x="${WIDTH / 2}" y="${HEIGHT - 10}" text-anchor="middle">legitimate sign-ins challenged</text>
</svg>
`
}
