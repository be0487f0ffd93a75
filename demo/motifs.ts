/** The pictures on the covers. Each draws below the title, from y 150 to the foot at 360, in the three colours it is given. */
import type { Motif } from './catalogue.ts'
import type { Palette, Seeded } from './covers.ts'
import { type Html, html } from './html.ts'

type Draw = (palette: Palette, noise: Seeded) => Html

const W = 240
const H = 360

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

function n(value: number): string {
  return value.toFixed(1)
}

/** A closed shape from a wavy upper edge down to the foot. */
function swell(y: number, height: number, length: number, shift: number, fill: string): Html {
  let path = `M${n(-length + shift)} ${n(y)}`
  for (let x = -length + shift; x < W + length; x += length)
    path += ` q${n(length / 4)} ${n(-height)} ${n(length / 2)} 0 t${n(length / 2)} 0`
  return html`<path d="${path} V${H} H-200 Z" fill="${fill}"/>`
}

export const motifs: Readonly<Record<Motif, Draw>> = {
  sea(palette, noise) {
    const sun = noise(70, 175)
    const boat = noise(60, 160)
    return html`<circle cx="${n(sun)}" cy="222" r="38" fill="${palette.b}"/>
${swell(236, 13, 96, noise(0, 60), palette.a)}
<g transform="translate(${n(boat)} 243)"><path d="M-24 0 H24 L15 13 H-15 Z" fill="${palette.c}"/><path d="M1 -4 V-46 L23 -4 Z" fill="${palette.ink}"/><path d="M-3 -4 V-38 L-17 -4 Z" fill="${palette.ink}" opacity=".75"/></g>
${swell(268, 12, 84, noise(0, 60), palette.c)}${swell(298, 11, 72, noise(0, 60), palette.a)}${swell(328, 10, 66, noise(0, 60), palette.c)}`
  },

  night(palette, noise) {
    const roofs = times(5, (index) => ({ x: index * 50 - 6, top: noise(245, 295), isSteep: noise(0, 1) > 0.45 }))
    return html`<circle cx="176" cy="196" r="34" fill="${palette.b}"/><circle cx="161" cy="188" r="30" fill="${palette.ground}"/>
${times(26, () => html`<circle cx="${n(noise(14, 232))}" cy="${n(noise(140, 250))}" r="${n(noise(0.6, 1.7))}" fill="${palette.ink}" opacity="${n(noise(0.4, 1))}"/>`)}
${roofs.map(
  (
    { x, top, isSteep },
    index,
  ) => html`<path d="M${x} ${H} V${n(top)} ${isSteep ? `L${x + 26} ${n(top - 28)} L${x + 52} ${n(top)}` : `H${x + 52}`} V${H} Z" fill="${index % 2 === 0 ? palette.c : palette.a}"/>
${times(6, (pane) => noise(0, 1) > 0.5 && html`<rect x="${x + 11 + (pane % 2) * 18}" y="${n(top + 14 + Math.floor(pane / 2) * 22)}" width="10" height="12" fill="${palette.b}"/>`)}`,
)}`
  },

  garden(palette, noise) {
    return html`${times(6, (index) => {
      const x = 22 + index * 39 + noise(-6, 6)
      const top = noise(196, 262)
      const lean = noise(-16, 16)
      const bloom = index % 2 === 0 ? palette.b : palette.c
      const leaves = times(4, (leaf) => {
        const y = top + 34 + leaf * 26
        const side = leaf % 2 === 0 ? 1 : -1
        return html`<path d="M${n(x)} ${n(y + 10)} q${18 * side} -2 ${24 * side} -20 q${-22 * side} -2 ${-24 * side} 20" fill="${palette.a}"/>`
      })
      const petals = times(
        6,
        (petal) =>
          html`<ellipse cx="${n(x + lean)}" cy="${n(top - 9)}" rx="6" ry="11" fill="${bloom}" transform="rotate(${petal * 60} ${n(x + lean)} ${n(top)})"/>`,
      )
      return html`<path d="M${n(x)} ${H} Q${n(x)} ${n(top + 60)} ${n(x + lean)} ${n(top)}" stroke="${palette.a}" stroke-width="3.5" fill="none"/>${leaves}${petals}<circle cx="${n(x + lean)}" cy="${n(top)}" r="5" fill="${palette.ink}"/>`
    })}`
  },

  tiles(palette, noise) {
    const fills = [palette.a, palette.b, palette.c, palette.ink]
    return html`${times(20, (index) => {
      const x = (index % 5) * 48
      const y = 168 + Math.floor(index / 5) * 48
      const turn = Math.floor(noise(0, 4)) * 90
      const fill = fills[Math.floor(noise(0, 4))]
      const shape =
        noise(0, 1) > 0.3
          ? html`<path d="M0 0 H48 A48 48 0 0 1 0 48 Z" fill="${fill}"/><path d="M0 0 H20 A20 20 0 0 1 0 20 Z" fill="${palette.ground}"/>`
          : html`<circle cx="24" cy="24" r="18" fill="${fill}"/><circle cx="24" cy="24" r="7" fill="${palette.ground}"/>`
      return html`<g transform="translate(${x} ${y}) rotate(${turn} 24 24)">${shape}</g>`
    })}`
  },

  hills(palette, noise) {
    const layers = [palette.a, palette.b, palette.c]
    return html`<circle cx="${n(noise(50, 190))}" cy="205" r="26" fill="${palette.ink}" opacity=".92"/>
${layers.map((fill, layer) => {
  const y = 232 + layer * 38
  const peak = noise(40, 200)
  return html`<path d="M-20 ${H} V${y + 18} C${n(peak - 80)} ${y + 22} ${n(peak - 40)} ${y - 28} ${n(peak)} ${y - 24} S${n(peak + 90)} ${y + 30} 260 ${n(y + noise(-8, 18))} V${H} Z" fill="${fill}"/>`
})}
<path d="M118 ${H} C150 340 90 330 122 312 S140 300 132 290" stroke="${palette.ink}" stroke-width="3" fill="none" opacity=".8"/>`
  },

  rays(palette) {
    return html`${times(12, (index) => {
      const from = (Math.PI * (index + 0.12)) / 12
      const to = (Math.PI * (index + 0.88)) / 12
      const point = (angle: number, radius: number) => `${n(120 - Math.cos(angle) * radius)} ${n(330 - Math.sin(angle) * radius)}`
      const reach = index % 2 === 0 ? 158 : 132
      return html`<path d="M${point(from, 66)} L${point(from, reach)} L${point(to, reach)} L${point(to, 66)} Z" fill="${index % 2 === 0 ? palette.a : palette.b}"/>`
    })}<circle cx="120" cy="330" r="54" fill="${palette.b}"/><circle cx="120" cy="330" r="38" fill="${palette.c}"/><circle cx="120" cy="330" r="20" fill="${palette.ink}"/><rect y="330" width="${W}" height="30" fill="${palette.c}"/>`
  },

  contours(palette, noise) {
    const cx = noise(80, 160)
    return html`${times(9, (index) => {
      const r = 150 - index * 16
      const wobble = noise(0.82, 1.1)
      const fill = index === 8 ? palette.b : index % 3 === 1 ? palette.a : 'none'
      return html`<ellipse cx="${n(cx + noise(-5, 5))}" cy="${n(272 + noise(-4, 4))}" rx="${n(r)}" ry="${n(r * 0.62 * wobble)}" transform="rotate(${n(noise(-14, 6))} ${n(cx)} 272)" fill="${fill}" stroke="${palette.ink}" stroke-width="1.4" stroke-opacity=".75"/>`
    })}<path d="M${n(cx - 8)} 262 l16 16 m0 -16 l-16 16" stroke="${palette.ink}" stroke-width="4"/>`
  },

  spines(palette, noise) {
    const fills = [palette.a, palette.b, palette.c, palette.ink]
    let x = 20
    return html`${times(9, (index) => {
      const width = noise(14, 30)
      const height = noise(96, 158)
      const left = x
      x += width + 3
      if (left + width > W - 14) return false
      const fill = fills[(index + Math.floor(noise(0, 2))) % 4]
      return html`<rect x="${n(left)}" y="${n(332 - height)}" width="${n(width)}" height="${n(height)}" fill="${fill}"/><rect x="${n(left)}" y="${n(350 - height)}" width="${n(width)}" height="4" fill="${palette.ground}" opacity=".7"/><rect x="${n(left)}" y="312" width="${n(width)}" height="3" fill="${palette.ground}" opacity=".7"/>`
    })}<rect x="12" y="332" width="216" height="7" fill="${palette.ink}"/>`
  },

  window(palette, noise) {
    return html`<path d="M54 330 V236 A66 66 0 0 1 186 236 V330 Z" fill="${palette.b}"/>
<circle cx="${n(noise(90, 150))}" cy="${n(noise(226, 246))}" r="17" fill="${palette.ink}"/>
<path d="M54 330 V292 Q92 ${n(noise(262, 284))} 124 296 T186 286 V330 Z" fill="${palette.a}"/><path d="M54 330 V312 Q110 ${n(noise(288, 304))} 186 314 V330 Z" fill="${palette.c}"/>
<path d="M54 330 V236 A66 66 0 0 1 186 236 V330 Z M120 170 V330 M54 250 H186" fill="none" stroke="${palette.ink}" stroke-width="5"/><rect x="42" y="328" width="156" height="9" fill="${palette.ink}"/>`
  },

  fruit(palette, noise) {
    return html`<ellipse cx="120" cy="318" rx="104" ry="22" fill="${palette.c}"/>
${times(5, (index) => {
  const x = [78, 124, 168, 100, 146][index] ?? 120
  const y = [286, 290, 284, 244, 246][index] ?? 280
  const r = noise(25, 30)
  const fill = index % 2 === 0 ? palette.b : palette.a
  return html`<circle cx="${x}" cy="${y}" r="${n(r)}" fill="${fill}"/><path d="M${n(x - r * 0.5)} ${n(y - r * 0.35)} A${n(r * 0.7)} ${n(r * 0.7)} 0 0 1 ${x} ${n(y - r * 0.66)}" stroke="${palette.ink}" stroke-width="2.5" fill="none" opacity=".6" stroke-linecap="round"/>${index > 2 && html`<path d="M${x} ${n(y - r)} q2 -14 12 -18 M${x} ${n(y - r - 4)} q-22 -4 -26 -22 q24 -2 26 22" stroke="${palette.c}" stroke-width="2" fill="${palette.c}"/>`}`
})}
<path d="M28 300 H212 Q206 344 158 346 H82 Q34 344 28 300 Z" fill="${palette.ink}"/><path d="M34 318 Q120 330 206 318" stroke="${palette.ground}" stroke-width="2.5" fill="none"/>`
  },

  birds(palette, noise) {
    return html`<circle cx="120" cy="262" r="72" fill="${palette.b}"/>
${times(9, () => {
  const x = noise(20, 206)
  const y = noise(176, 318)
  const s = noise(0.6, 1.5)
  return html`<path transform="translate(${n(x)} ${n(y)}) scale(${n(s)}) rotate(${n(noise(-12, 12))})" d="M-14 -5 Q-6 -10 0 0 Q6 -10 14 -5 Q6 -5 0 4 Q-6 -5 -14 -5 Z" fill="${palette.c}"/>`
})}${swell(334, 6, 120, noise(0, 80), palette.a)}`
  },

  rain(palette, noise) {
    return html`${times(44, (index) => {
      const x = (index % 11) * 24 + noise(-6, 6)
      const y = 160 + Math.floor(index / 11) * 50 + noise(0, 30)
      return html`<path d="M${n(x)} ${n(y)} l-6 18" stroke="${index % 3 === 0 ? palette.b : palette.a}" stroke-width="2.4" stroke-linecap="round"/>`
    })}
<path d="M56 270 A64 60 0 0 1 184 270 Q168 258 152 270 Q136 258 120 270 Q104 258 88 270 Q72 258 56 270 Z" fill="${palette.b}"/><path d="M120 206 V324 q0 16 14 16 t14 -14" stroke="${palette.c}" stroke-width="5" fill="none" stroke-linecap="round"/>`
  },
}
