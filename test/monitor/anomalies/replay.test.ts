import { describe, expect, it } from 'vitest'
import { days, hours } from '../../../src/core/duration.ts'
import { replay } from '../../../src/monitor/anomalies.ts'
import { CHROME, FAR, FIREFOX, geo, HOME } from './harness.ts'

const NOW = 1_900_000_000_000
const home = (at: number) => JSON.stringify({ subject: 'ada', at, address: HOME, userAgent: FIREFOX })
const month = Array.from({ length: 30 }, (_, day) => home(NOW + days(day)))
const stolen = JSON.stringify({ subject: 'ada', at: NOW + days(29) + hours(1), address: FAR, userAgent: CHROME })

describe('replay', () => {
  it('says what the policy would have done, and to how many', async () => {
    const report = await replay([...month, stolen], { geo })

    expect(report).toMatchObject({ signIns: 31, failures: 0, people: 1, actions: { 'step-up': 1 }, challenged: 1 / 31 })
    expect(report.signals['impossible-travel']).toEqual({ 'step-up': 1 })
    expect(report.signals['new-device']).toEqual({ note: 1 })
  })

  it('another policy does something else with the same record', async () => {
    const policy = { 'impossible-travel': { action: 'revoke' }, 'new-device': undefined } as never

    const report = await replay([...month, stolen], { geo, policy })

    expect(report.actions.revoke).toBe(1)
    expect(report.signals['new-device']).toBeUndefined()
  })

  it('failures are judged and not learnt', async () => {
    const failed = JSON.stringify({ ...JSON.parse(stolen), isSuccess: false })

    const report = await replay([...month, failed, failed, stolen], { geo })

    expect(report).toMatchObject({ failures: 2, signIns: 31, actions: { 'step-up': 1 } })
  })

  it('takes recorded events, and passes over what is neither', async () => {
    const events = Array.from({ length: 200 }, (_, index) =>
      JSON.stringify({ type: 'token.refused', state: 'forged', at: NOW + index }),
    )
    const garbage = [
      '',
      'no JSON',
      '5',
      'null',
      '[]',
      '{"at":"noon"}',
      '{"subject":"ada"}',
      '{"subject":"","at":1}',
      '{"subject":"ada","at":1,"isSuccess":"no"}',
    ]

    const report = await replay([...events, ...garbage])

    expect(report).toMatchObject({
      events: 200,
      skipped: garbage.length,
      signIns: 0,
      challenged: 0,
      signals: { 'forged-tokens': { notify: 1 } },
    })
  })

  it('names nobody', async () => {
    const said = JSON.stringify(await replay([...month, stolen], { geo }))

    for (const value of ['ada', HOME, FAR, 'Firefox', 'NZ']) expect(said).not.toContain(value)
  })
})
