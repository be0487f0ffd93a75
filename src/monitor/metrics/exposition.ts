/** The text that Prometheus reads: format 0.0.4, and OpenMetrics 1.0. */
import type { Family, Series } from './registry.ts'

/** Which text. */
export type ExpositionFormat = 'prometheus' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

export function exposition(families: readonly Family[], format: ExpositionFormat): string {
  const isOpen = format === 'openmetrics'
  const lines = families.flatMap((family) => linesOf(family, isOpen))
  return `${[...lines, ...(isOpen ? ['# EOF'] : [])].join('\n')}\n`
}

function linesOf(family: Family, isOpen: boolean): string[] {
  const { name, help, type, labels } = family
  // OpenMetrics names the family of a counter without the suffix that its sample has.
  const familyName = isOpen && type === 'counter' ? name.replace(/_total$/, '') : name
  const head = [`# HELP ${familyName} ${escaped(help)}`, `# TYPE ${familyName} ${type}`]
  return [...head, ...[...family.series()].flatMap((series) => samplesOf(name, labels, series))]
}

function samplesOf(name: string, labels: readonly string[], series: Series): string[] {
  const { values, value, buckets, bounds = [], count = 0, sum = 0 } = series
  if (buckets === undefined) return [`${name}${labelled(labels, values)} ${number(value ?? 0)}`]
  const withBound = (bound: string) => labelled([...labels, 'le'], [...values, bound])
  return [
    ...buckets.map((at, i) => `${name}_bucket${withBound(number(bounds[i]!))} ${at}`),
    `${name}_bucket${withBound('+Inf')} ${count}`,
    `${name}_sum${labelled(labels, values)} ${number(sum)}`,
    `${name}_count${labelled(labels, values)} ${count}`,
  ]
}

function labelled(labels: readonly string[], values: readonly string[]): string {
  if (labels.length === 0) return ''
  return `{${labels.map((label, i) => `${label}="${escaped(values[i]!).replaceAll('"', '\\"')}"`).join(',')}}`
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

const number = (value: number) => (Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : 'NaN')
