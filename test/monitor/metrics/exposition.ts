/** Reads the text formats of Prometheus by their grammar, and says what is wrong with a text. */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y

export function parseExposition(text: string): { readonly samples: Sample[]; readonly problems: string[] } {
  const samples: Sample[] = []
  const problems: string[] = []
  const types = new Map<string, string>()
  const seen = new Set<string>()
  if (!text.endsWith('\n')) problems.push('does not end with a line break')
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '# EOF') continue
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
    if (type !== null) {
      if (types.has(type[1]!)) problems.push(`twice: ${line}`)
      types.set(type[1]!, type[2]!)
      continue
    }
    if (/^# HELP \S+ .+$/.test(line)) continue
    const match = SAMPLE.exec(line)
    if (match === null || Number.isNaN(Number(match[3]!.replace('+Inf', 'Infinity')))) {
      problems.push(`no sample: ${line}`)
      continue
    }
    const [, name = '', labelText = '', value = ''] = match
    const labels: Record<string, string> = {}
    LABEL.lastIndex = 0
    while (LABEL.lastIndex < labelText.length) {
      const label = LABEL.exec(labelText)
      if (label === null) {
        problems.push(`labels: ${line}`)
        break
      }
      labels[label[1]!] = label[2]!.replace(/\\(["\\n])/g, (_, char: string) => (char === 'n' ? '\n' : char))
    }
    const family = name.replace(/_(bucket|sum|count)$/, '')
    if (![name, family, name.replace(/_total$/, '')].some((each) => types.has(each))) problems.push(`no type: ${line}`)
    if (seen.has(line.slice(0, line.lastIndexOf(' ')))) problems.push(`twice: ${line}`)
    seen.add(line.slice(0, line.lastIndexOf(' ')))
    samples.push({ name, labels, value: Number(value.replace('+Inf', 'Infinity')) })
  }
  return { samples, problems }
}
