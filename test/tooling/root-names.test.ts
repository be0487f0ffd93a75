import { expect, test } from 'vitest'
import { checkRootNames } from '../../scripts/checks/root-names.ts'
import { scratch } from './scratch.ts'

test('a name that comes or goes is shown until the snapshot is updated', () => {
  const folder = scratch({
    'package.json': JSON.stringify({
      name: 'sojourn',
      exports: { '.': { 'sojourn-source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' } },
    }),
    'src/index.ts': "export { start, type Session } from './a.ts'\nexport type { Store } from './a.ts'",
    'src/a.ts': 'export const start = 1\nexport interface Session { id: string }\nexport class Store {}',
    'scripts/root-names.json': JSON.stringify({ sojourn: ['start', 'stop'] }),
  })

  expect(checkRootNames(folder).slice(0, -1)).toEqual(['+ sojourn: type Session', '+ sojourn: type Store', '- sojourn: stop'])

  checkRootNames(folder, { update: true })

  expect(checkRootNames(folder)).toEqual([])
})
