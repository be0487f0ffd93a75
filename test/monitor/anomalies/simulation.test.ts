import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ExactMatch, LinearFreeman } from '../../../bench/risk/baselines.ts'
import { DAY } from '../../../bench/risk/distributions.ts'
import { caught, evaluate, ModelScorer, type Scored, thresholdAt } from '../../../bench/risk/evaluate.ts'
import { COLUMNS, type DataSetLogin, readDataSet, splitLine } from '../../../bench/risk/rba-data-set.ts'
import { START, simulate } from '../../../bench/risk/simulate.ts'

const small = { people: 300, days: 240, attacksEach: 400 }
const shareAt = ({ legitimate, attacks }: Scored, kind: keyof Scored['attacks'], rate: number) =>
  caught(
    attacks[kind],
    thresholdAt(
      legitimate.map(({ score }) => score),
      rate,
    ),
  )

describe('the simulator', () => {
  it('makes the same world of the same seed, and another of another', () => {
    const tiny = { people: 20, days: 60, attacksEach: 5 }

    expect(simulate(11, tiny)).toEqual(simulate(11, tiny))
    expect(simulate(12, tiny)).not.toEqual(simulate(11, tiny))
  })

  it('goes forward in time', () => {
    const times = simulate(11, { people: 20, days: 60, attacksEach: 5 }).map(({ at }) => at)

    expect(times).toEqual([...times].sort((a, b) => a - b))
  })
})

describe('the risk model, on a small world', () => {
  // A seed that no other run uses; bench/results/risk has the large ones.
  const entries = simulate(4711, small)
  const warmUp = START + 120 * DAY
  const model = evaluate(entries, new ModelScorer('Sojourn', START), warmUp)

  it('catches nearly all naive attackers, most behind a VPN, and far more of the targeted ones than the baselines, at 2 % challenged', () => {
    const freeman = evaluate(entries, new LinearFreeman('Freeman without ASN', false), warmUp)
    const exact = evaluate(entries, new ExactMatch(), warmUp)

    expect(shareAt(model, 'naive', 0.02)).toBeGreaterThan(0.97)
    expect(shareAt(model, 'VPN', 0.02)).toBeGreaterThan(0.85)
    expect(shareAt(model, 'targeted', 0.02)).toBeGreaterThan(0.45)
    for (const baseline of [freeman, exact]) {
      for (const kind of ['naive', 'VPN', 'targeted'] as const) {
        expect(shareAt(model, kind, 0.02)).toBeGreaterThan(shareAt(baseline, kind, 0.02))
      }
    }
  })

  it('never challenges more than asked for', () => {
    const scores = model.legitimate.map(({ score }) => score)

    for (const rate of [0.001, 0.01, 0.1]) expect(caught(scores, thresholdAt(scores, rate))).toBeLessThanOrEqual(rate)
    expect(caught([1, 1, 1, 0], thresholdAt([1, 1, 1, 0], 0.5))).toBe(0)
  })
})

describe('the importer of the RBA data set', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-rba-'))
  const fileOf = (...lines: string[]) => {
    const path = join(folder, `${lines.length}-${lines[0]!.length}.csv`)
    writeFileSync(path, lines.join('\n'))
    return path
  }
  const read = async (path: string) => {
    const skipped: number[] = []
    const logins: DataSetLogin[] = []
    for await (const login of readDataSet(path, (line) => skipped.push(line))) logins.push(login)
    return { logins, skipped }
  }

  it('reads its columns, whatever their order', async () => {
    const path = fileOf(
      `index,${COLUMNS.join(',')}`,
      '0,2020-02-03 12:43:30.772,-4324475583306591935,,10.0.65.171,NO,-,-,29695,"Mozilla/5.0 (iPhone, like ""x"")",Firefox 20.0.0.1618,iOS 13.4,mobile,True,False,False',
      '1,2020-02-03 12:44:30.772,-4324475583306591935,35.5,194.87.207.6,AU,-,-,60117,x,Chrome Mobile 46.0.2490,Android 4.1,mobile,False,True,True',
      'garbage',
    )

    const { logins, skipped } = await read(path)

    expect(logins).toMatchObject([
      {
        at: Date.UTC(2020, 1, 3, 12, 43, 30, 772),
        subject: '-4324475583306591935',
        client: {
          network: '10.0.65',
          asn: 29695,
          country: 'NO',
          os: 'iOS',
          device: 'mobile',
          browser: 'Firefox',
          version: 20,
          roundTrip: undefined,
        },
        isSuccess: true,
        isAttackAddress: false,
        isTakeover: false,
      },
      {
        client: { roundTrip: 35.5, browser: 'Chrome Mobile', version: 46, os: 'Android' },
        isSuccess: false,
        isAttackAddress: true,
        isTakeover: true,
      },
    ])
    expect(skipped).toEqual([4])
  })

  it('names a column that is missing', async () => {
    await expect(read(fileOf('User ID,Country'))).rejects.toThrow(/Login Timestamp.*Is Account Takeover/)
  })

  it('splits quoted fields', () => {
    expect(splitLine('a,"b,""c""",,d')).toEqual(['a', 'b,"c"', '', 'd'])
  })
})
