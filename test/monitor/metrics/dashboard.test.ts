import { readFileSync } from 'node:fs'
import { measuredStore, metrics } from 'sojourn/monitor/metrics'
import { expect, it } from 'vitest'
import { catalogue } from '../../../src/monitor/catalogue.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { setUp } from '../../core/support.ts'
import { oneOfEach } from '../one-of-each.ts'
import { parseExposition } from './exposition.ts'

interface Panel {
  readonly title: string
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
}
const file = new URL('../../../docs/monitoring/grafana-dashboard.json', import.meta.url)
const dashboard = JSON.parse(readFileSync(file, 'utf8')) as { readonly panels: readonly Panel[] }
const queries = dashboard.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const),
)

/** Every sample there is, after one of each event. */
async function allSamples() {
  const store = measuredStore(memoryStore())
  const { sessions } = setUp({ store: store as never })
  const { prometheus } = metrics(sessions, { store })
  await sessions.signIn({ subject: 'ada', method: 'pwd' })
  for (const event of oneOfEach) sessions.events.emit(event)
  return parseExposition(prometheus().body).samples
}

/** `name{label="value", other!=""}` of an expression. */
const selectors = (expr: string) =>
  [...expr.matchAll(/(sojourn_[a-z_]+)(?:\{([^}]*)\})?/g)].map(([, name, matchers = '']) => ({
    name: name!,
    matchers: [...matchers.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)].map(([, label, how, value]) => ({
      label: label!,
      how: how!,
      value: value!,
    })),
  }))

it.each(queries)('%s: %s names metrics and labels that there are', async (_, expr, legend) => {
  const samples = await allSamples()
  const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names]) => names!.split(', '))
  const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name!)

  expect(selectors(expr).length).toBeGreaterThan(0)
  for (const { name, matchers } of selectors(expr)) {
    const ofName = samples.filter((sample) => sample.name === name)
    expect(ofName.length, name).toBeGreaterThan(0)
    const labels = Object.keys(ofName[0]!.labels)
    expect(labels).toEqual(expect.arrayContaining([...matchers.map(({ label }) => label), ...grouped]))
  }
  expect(grouped).toEqual(expect.arrayContaining(shown))
})

it.each(queries)('%s: %s names events that there are', (_, expr) => {
  const types = selectors(expr)
    .flatMap(({ matchers }) => matchers)
    .filter(({ label }) => label === 'type')
    .flatMap(({ value }) => value.split('|'))

  expect(types.filter((type) => !Object.hasOwn(catalogue, type))).toEqual([])
})

it('asks for no data source by a name of our own', () => {
  expect(readFileSync(file, 'utf8').match(/"uid": "(?!\$\{datasource\}|sojourn")/g)).toBeNull()
})
