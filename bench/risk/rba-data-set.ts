/**
 * Reads the public data set of Wiefling et al. ("Login Data Set for Risk-Based Authentication", https://github.com/das-group/rba-dataset), one CSV of 33 million lines: a line at a
 * time, whatever its size. It is not part of this repository.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Client } from '../../src/monitor/anomalies/client.ts'

/** Its columns, in any order; further ones, such as `index`, are passed over. */
export const COLUMNS = [
  'Login Timestamp',
  'User ID',
  'Round-Trip Time [ms]',
  'IP Address',
  'Country',
  'Region',
  'City',
  'ASN',
  'User Agent String',
  'Browser Name and Version',
  'OS Name and Version',
  'Device Type',
  'Login Successful',
  'Is Attack IP',
  'Is Account Takeover',
] as const

export interface DataSetLogin {
  readonly at: number
  readonly subject: string
  readonly client: Client
  readonly isSuccess: boolean
  readonly isAttackAddress: boolean
  readonly isTakeover: boolean
}

/** @throws {Error} a column that is missing, by name. Lines that are none are left out, and counted by `onSkipped`. */
export async function* readDataSet(path: string, onSkipped: (line: number) => void = () => {}): AsyncGenerator<DataSetLogin> {
  let columns: ReadonlyMap<string, number> | undefined
  let number = 0
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number++
    if (columns === undefined) {
      columns = columnsOf(splitLine(line.replace(/^\uFEFF/, '')))
      continue
    }
    const login = loginOf(splitLine(line), columns)
    if (login === undefined) onSkipped(number)
    else yield login
  }
}

function columnsOf(header: readonly string[]): ReadonlyMap<string, number> {
  const missing = COLUMNS.filter((name) => !header.includes(name))
  if (missing.length > 0)
    throw new Error(`The file has no column ${missing.join(', ')}; expected the RBA data set of Wiefling et al.`)
  return new Map(header.map((name, index) => [name, index]))
}

function loginOf(fields: readonly string[], columns: ReadonlyMap<string, number>): DataSetLogin | undefined {
  const field = (name: (typeof COLUMNS)[number]) => fields[columns.get(name)!]?.trim() ?? ''
  const at = Date.parse(`${field('Login Timestamp').replace(' ', 'T')}Z`)
  const subject = field('User ID')
  if (!Number.isFinite(at) || subject === '') return undefined
  const asn = Number(field('ASN'))
  const [browser, version] = nameAndVersion(field('Browser Name and Version'))
  const [os] = nameAndVersion(field('OS Name and Version'))
  const roundTrip = Number(field('Round-Trip Time [ms]'))
  const address = field('IP Address')
  return {
    at,
    subject,
    client: {
      network: address === '' ? undefined : address.slice(0, address.lastIndexOf('.')),
      asn: Number.isSafeInteger(asn) && asn > 0 ? asn : undefined,
      country: known(field('Country')),
      os: known(os),
      device: field('Device Type'),
      browser: known(browser),
      version: Number.parseInt(version, 10) || 0,
      roundTrip: roundTrip > 0 ? roundTrip : undefined,
    },
    isSuccess: isTrue(field('Login Successful')),
    isAttackAddress: isTrue(field('Is Attack IP')),
    isTakeover: isTrue(field('Is Account Takeover')),
  }
}

/** `Chrome Mobile 46.0.2490` is `Chrome Mobile` and `46.0.2490`. */
function nameAndVersion(text: string): readonly [string, string] {
  const match = /^(.*?)\s+(\d[\w.]*)$/.exec(text)
  return match === null ? [text, ''] : [match[1]!, match[2]!]
}

function known(text: string): string | undefined {
  return text === '' || text === '-' ? undefined : text
}

function isTrue(text: string): boolean {
  return text.toLowerCase() === 'true' || text === '1'
}

/** Fields of one line; quoted ones may hold commas and doubled quotes (RFC 4180). */
export function splitLine(line: string): string[] {
  const fields: string[] = []
  let field = ''
  let isQuoted = false
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!
    if (isQuoted && character === '"' && line[i + 1] === '"') {
      field += '"'
      i++
    } else if (character === '"') isQuoted = !isQuoted
    else if (character === ',' && !isQuoted) {
      fields.push(field)
      field = ''
    } else field += character
  }
  return [...fields, field]
}
