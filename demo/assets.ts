/** The few files beside the pages: read once, named after their content, so that a browser keeps them until they change. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Express } from 'express'

const FOLDER = join(import.meta.dirname, 'assets')

const TYPES = {
  'shop.css': 'text/css; charset=utf-8',
  'shop.js': 'text/javascript; charset=utf-8',
  'passkeys.js': 'text/javascript; charset=utf-8',
  'simplewebauthn.js': 'text/javascript; charset=utf-8',
  'opaque.js': 'text/javascript; charset=utf-8',
  'opaque-library.js': 'text/javascript; charset=utf-8',
  'mark.svg': 'image/svg+xml',
  'fonts/fraunces.woff2': 'font/woff2',
  'fonts/fraunces-italic.woff2': 'font/woff2',
  'fonts/literata.woff2': 'font/woff2',
} as const

export type AssetName = keyof typeof TYPES

/** A package's own file for browsers: the shop serves it itself, since its pages load nothing from elsewhere. */
const PACKAGED: Partial<Record<AssetName, URL>> = {
  'simplewebauthn.js': new URL('../dist/bundle/index.umd.min.js', import.meta.resolve('@simplewebauthn/browser')),
  'opaque-library.js': new URL('../esm/index.js', import.meta.resolve('@serenity-kit/opaque')),
}

const contents = new Map(Object.keys(TYPES).map((name) => [name as AssetName, readFileSync(pathOf(name as AssetName))]))

function pathOf(name: AssetName): string {
  const packaged = PACKAGED[name]
  return packaged === undefined ? join(FOLDER, name) : fileURLToPath(packaged)
}

/** The address of a file, with its content's hash. */
export function assetPath(name: AssetName): string {
  const hash = createHash('sha256')
    .update(contents.get(name) ?? '')
    .digest('base64url')
    .slice(0, 10)
  return `/assets/${name}?v=${hash}`
}

/** Serves the files, before anything looks at a session: they stay cacheable for everybody. */
export function serveAssets(app: Express): void {
  for (const [name, content] of contents) {
    app.get(`/assets/${name}`, (req, res) => {
      const isNamedByContent = typeof req.query.v === 'string'
      res.set('Cache-Control', isNamedByContent ? 'public, max-age=31536000, immutable' : 'public, max-age=300')
      res.type(TYPES[name]).send(content)
    })
  }
  app.get('/favicon.ico', (_req, res) => res.redirect(301, '/assets/mark.svg'))
}
