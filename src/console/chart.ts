/** Small charts, drawn here as SVG: no script, no library, no image. What a chart shows is also said in words. */
import { html, type Markup } from './html.ts'

const WIDTH = 600
const HEIGHT = 100

interface Bars {
  readonly values: readonly number[]
  /** What is counted, in the plural. */
  readonly what: string
  readonly kind: 'mark' | 'mark-bad'
  readonly from: string
  readonly to: string
}

/** One bar a value. */
export function bars({ values, what, kind, from, to }: Bars): Markup {
  const most = Math.max(1, ...values)
  const total = values.reduce((sum, value) => sum + value, 0)
  const step = WIDTH / values.length
  const words =
    total === 0 ? `No ${what}.` : `${total.toLocaleString('en')} ${what}; at most ${most.toLocaleString('en')} in one minute.`
  return html`<figure class="chart">
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <path class="rule" d=${`M0 ${HEIGHT - 0.5}H${WIDTH}`} vector-effect="non-scaling-stroke" />
      ${values.map((value, index) => {
        const height = value === 0 ? 0 : Math.max(3, (value / most) * (HEIGHT - 4))
        return (
          value > 0 &&
          html`<rect class=${kind} x=${round(index * step + 1)} y=${round(HEIGHT - height)} width=${round(step - 2)} height=${round(height)} rx="1.5" />`
        )
      })}
    </svg>
    <p class="ends" aria-hidden="true"><span>${from}</span><span>${to}</span></p>
    <figcaption class="small quiet">${words}</figcaption>
  </figure>`
}

/** A part of a whole, 0 to 1. */
export function meter(part: number): Markup {
  return html`<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <rect class="track" x="0" y="0" width="100" height="4" rx="2" /><rect class="mark" x="0" y="0" width=${round(Math.max(1, Math.min(1, part) * 100))} height="4" rx="2" />
  </svg>`
}

const round = (value: number): string => String(Math.round(value * 100) / 100)
