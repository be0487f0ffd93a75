/** `npm start`: opens the shop on this machine alone. */
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { relative } from 'node:path'
import { httpsRedirect } from 'sojourn/node'
import type { Opaque } from 'sojourn/stepup/opaque'
import { createApp } from './app.ts'
import { type Arguments, HELP, readArguments } from './arguments.ts'
import { closeServer, listen, portOf, type ShopServer } from './listening.ts'
import { openToCrowd } from './monitor/crowd.ts'
import { reportOutages } from './outages.ts'
import { LIBRARIAN, People, SEEDED } from './people.ts'
import { readSettings, type Settings } from './settings.ts'
import { keysOf, openShop, type Shop } from './shop.ts'
import type { ShopSso } from './sso/open.ts'
import { StartError, systemCode } from './start-error.ts'
import { keepCodeKey, OWNERS } from './step-up/code-key.ts'
import { openStore } from './stores/open.ts'
import { placeOf } from './stores/words.ts'
import type { DemoTls } from './tls/server.ts'
import { tlsWords } from './tls/trust.ts'

/** Requests under way get this long to finish when the shop closes; the longest of them may wait three seconds by request. */
const LAST_ORDERS = 5000

try {
  const given = readArguments(process.argv.slice(2), process.env)
  if (given.help) console.log(HELP)
  else await open(given)
} catch (error) {
  if (!(error instanceof StartError)) throw error
  console.error(error.message)
  process.exit(1)
}

async function open({
  tls: isTls,
  opaque: isOpaque = false,
  sso: isSso = false,
  live: isLive = false,
}: Arguments): Promise<void> {
  const settings = readSettings(process.env, isTls)
  const tls = isTls ? await openTls(settings.dataFolder) : undefined
  const store = await openStore(settings)
  const people = await People.open(settings.dataFolder)
  const keys = keysOf(settings)
  // Passkeys are made for an address, and the system may choose the port: so the shop listens before it is open.
  let app: RequestListener = refuseForNow
  const servers = await listen(
    () => makeServer((request, response) => app(request, response), tls),
    settings.port,
    (port) => `PORT=${port} npm start${isTls ? ' -- --tls' : ''}`,
  )
  const url = `${isTls ? 'https' : 'http'}://localhost:${portOf(servers[0])}`
  const redirects = settings.redirect === undefined ? [] : await openRedirect(settings.redirect, url)
  servers.push(...redirects)
  const opened = openShop(settings, { people, store, keys, origin: url })
  const sso = isSso ? await openSso(opened, keys, settings.port) : undefined
  const opaque = isOpaque ? await openOpaque(opened, settings.dataFolder) : undefined
  const shop: Shop = { ...opened, ...(sso && { sso }), ...(opaque && { opaque }) }
  const codeKeys: string[] = []
  for (const owner of OWNERS) {
    const key = await keepCodeKey(shop, owner, settings.dataFolder, keys)
    if (key !== undefined) codeKeys.push(`${capitalised(owner)}'s code key  ${key}`)
  }
  reportOutages(shop, console.log)
  app = createApp(shop)

  console.log(`
  Sojourn Books is open: ${url}${redirects.length === 0 ? '' : `\n  http://localhost:${portOf(redirects[0])} leads there`}

  Sign in as    ${SEEDED.names.join(' or ')}
  Password      ${SEEDED.password}${codeKeys.map((line) => `\n  ${line}`).join('')}
  Codes         six digits, from an authenticator app with such a key
${isOpaque ? '  Passwords     stay in the browser (OPAQUE)\n' : ''}${sso === undefined ? '' : `  Sojourn ID    ${sso.provider}  (a provider; the same names and password)\n  Reading Club  ${sso.club}  (signs in with Sojourn ID)\n`}  Console       ${url}/console  (for ${LIBRARIAN})
  Visits in     ${placeOf(store)}
  Data          ${nameOf(settings.dataFolder)}
${tls === undefined ? '' : `${tlsWords(tls, url, process.platform)}\n`}  Close with    Ctrl+C
`)

  const sendHome = isLive ? openToCrowd(shop) : undefined
  let closingSince: number | undefined
  const close = async () => {
    // Ctrl+C reaches a program twice when npm passes it on; who means it presses again.
    if (closingSince !== undefined && Date.now() - closingSince > 500) process.exit(1)
    if (closingSince !== undefined) return
    closingSince = Date.now()
    sendHome?.()
    const deadline = setTimeout(() => {
      for (const server of servers) server.closeAllConnections()
    }, LAST_ORDERS)
    await Promise.all(servers.map(closeServer))
    clearTimeout(deadline)
    await sso?.close()
    await shop.close()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, close)
}

function refuseForNow(...[, response]: Parameters<RequestListener>): void {
  response.writeHead(503, { 'Retry-After': '1' }).end('The shop opens in a moment.\n')
}

function capitalised(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
}

function makeServer(app: RequestListener, tls: DemoTls | undefined) {
  const options = { requestTimeout: 30_000 }
  return tls === undefined ? createServer(options, app) : createTlsServer({ ...options, ...tls.options }, app)
}

/** The usual port of the shop without TLS: if that is taken, perhaps by such a shop, this one does without. */
async function openRedirect({ port, isWanted }: NonNullable<Settings['redirect']>, url: string): Promise<ShopServer[]> {
  const redirect = httpsRedirect({ origins: [url] })
  try {
    const advice = (port: number) => `HTTP_PORT=${port} npm start -- --tls`
    return await listen(() => createServer({ requestTimeout: 30_000 }, redirect), port, advice)
  } catch (error) {
    if (isWanted || !(error instanceof StartError)) throw error
    return []
  }
}

/** Loaded when asked for: who starts without `--tls` needs neither the code nor the package it makes certificates with. */
async function openTls(dataFolder: string): Promise<DemoTls> {
  try {
    const { openTls } = await import('./tls/server.ts')
    return await openTls(dataFolder, Date.now())
  } catch (error) {
    if (systemCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new StartError('`--tls` needs the packages pkijs and asn1js, which are not installed; run `npm ci` first.')
  }
}

/** Loaded when asked for, as the above. */
async function openOpaque(shop: Shop, dataFolder: string): Promise<Opaque> {
  try {
    const { openOpaque } = await import('./opaque/open.ts')
    return await openOpaque(shop, dataFolder)
  } catch (error) {
    if (systemCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new StartError('`--opaque` needs the package @serenity-kit/opaque, which is not installed; run `npm ci` first.')
  }
}

/** Loaded when asked for, as the above. */
async function openSso(shop: Shop, keys: string, port: number): Promise<ShopSso> {
  try {
    const { openSso } = await import('./sso/open.ts')
    return await openSso(shop.sessions, { people: shop.people, store: shop.store.store, origin: shop.origin, keys, port })
  } catch (error) {
    if (systemCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new StartError(
      '`--sso` needs the packages openid-client and oidc-provider, which are not installed; run `npm ci` first.',
    )
  }
}

/** The short name for a folder below this one, the whole path for any other. */
function nameOf(folder: string): string {
  const short = relative(process.cwd(), folder)
  return short === '' || short.startsWith('..') ? folder : short
}
