// `npm start`: sets up what is missing and runs the demo on the repository's own Node, straight from the TypeScript source.

import { runAndExit, setUp } from './setup.mjs'

const node = await setUp('npm start')
await runAndExit(node, ['--conditions=sojourn-source', 'demo/main.ts', ...process.argv.slice(2)])
