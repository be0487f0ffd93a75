// OWASP ASVS 5.0.0, V7.4.5 in the operators' console of `sojourn/console`.
import { expect, it } from 'vitest'
import { OPERATORS, siteFor } from '../../console/site.ts'

it('ASVS-7.4.5: an operator ends one session of a person, and all of them, in the console; nobody else can', async () => {
  const site = await siteFor()
  const [operator, reader] = [await site.operator(OPERATORS[0]), await site.operator('ada')]
  const other = await site.operator('ada')
  const [first] = await site.sessions.list('ada')
  const refused = await other.post(`/console/sessions/${first!.id}/end`, {})
  const left = (await site.sessions.list('ada')).length

  await operator.submit(`/console/sessions/${first!.id}/end`, `/console/sessions/${first!.id}/end`)
  const [second, ...more] = await site.sessions.list('ada')
  await operator.submit('/console/people/end?subject=ada', '/console/people/end')

  expect([refused.status, left]).toEqual([404, 2])
  expect([second?.id === first!.id, more.length]).toEqual([false, 0])
  expect(await site.sessions.list('ada')).toEqual([])
  expect((await reader.get('/console')).headers.get('location')).toMatch(/^\/login/)
})
