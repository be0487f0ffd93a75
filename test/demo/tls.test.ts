/** `npm start -- --tls`: HTTPS by an authority of the shop's own, and what it says when it cannot. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:https'
import { connect as connectTcp, isIP } from 'node:net'
import { join } from 'node:path'
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { readArguments } from '../../demo/arguments.ts'
import { readSettings } from '../../demo/settings.ts'
import { keepAuthority } from '../../demo/tls/authority.ts'
import { signLeaf } from '../../demo/tls/certificates.ts'
import { waysToTrust } from '../../demo/tls/trust.ts'
import { takesConnections } from '../servers/server.ts'
import { Client } from './client.ts'
import { demoForTest, runDemo, temporaryFolder } from './demo-process.ts'

const DAY = 86_400_000
const SENTENCE = /^[^\n]+\.$/
const TLS = ['--tls']

const defaultAuthorities = getCACertificates('default')
afterEach(() => setDefaultCACertificates(defaultAuthorities))

/** What a client that trusts `ca` alone gets: a status, or the code of its refusal. */
function statusOf(url: string, ca: string | undefined, servername?: string): Promise<number | string> {
  return new Promise((resolve) => {
    const options = {
      agent: false,
      family: url.includes('[') ? 6 : 4,
      ...(ca && { ca }),
      ...(servername && { servername }),
    } as const
    get(
      url,
      {
        ...options,
        lookup: (_name, { all }, found) =>
          all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4),
      },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    ).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

/** The certificate that is presented under a name. */
async function presented(port: number, servername: string): Promise<X509Certificate> {
  const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()!
  socket.destroy()
  return certificate
}

const authorityIn = (folder: string): string => readFileSync(join(folder, 'tls-authority.pem'), 'utf8')

async function runToItsEnd(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  const child = runDemo({ PORT: '0', DEMO_DATA: temporaryFolder(), ...env }, args)
  await once(child, 'close')
  return { code: child.exitCode, output: child.output().trim() }
}

/** A module hook that hides a package. */
function without(name: string): { NODE_OPTIONS: string } {
  const hooks = join(temporaryFolder(), 'hooks.mjs')
  writeFileSync(
    hooks,
    `import { registerHooks } from 'node:module'
     registerHooks({ resolve: (specifier, context, next) => next(specifier === '${name}' ? 'not-installed' : specifier, context) })`,
  )
  return { NODE_OPTIONS: `--import=${pathToFileURL(hooks)}` }
}

describe('the shop by HTTPS', () => {
  it('opens to who trusts its authority, by every name of this machine, and to nobody else', async () => {
    const folder = temporaryFolder()
    const { port } = await demoForTest({ folder, args: TLS })
    const ca = authorityIn(folder)

    for (const host of ['localhost', '127.0.0.1', '[::1]', 'app.test', 'shop.localhost', 'a.b.localhost']) {
      expect(await statusOf(`https://${host}:${port}/`, ca), host).toBe(200)
    }
    expect(await statusOf(`https://elsewhere.example:${port}/`, ca)).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(await statusOf(`https://localhost:${port}/`, undefined)).toMatch(/SELF_SIGNED_CERT|UNABLE_TO/)
  })

  it('gives cookies that plain HTTP never carries', async () => {
    const folder = temporaryFolder()
    const demo = await demoForTest({ folder, args: TLS })
    setDefaultCACertificates([authorityIn(folder)])
    const client = new Client(demo.url)

    const signedIn = await client.signIn()
    const account = await client.page('/me')

    expect(signedIn.headers.getSetCookie().join('\n')).toMatch(/^__Host-[^\n]*; Secure/)
    expect(account.text).toContain('ada')
  })

  it('is where plain HTTP leads, without a word about who asked', async () => {
    const folder = temporaryFolder()
    const demo = await demoForTest({ folder, env: { HTTP_PORT: '0' }, args: TLS })
    const [, plain = ''] = /(http:\/\/localhost:\d+) leads there/.exec(demo.output()) ?? []

    const visit = await fetch(`${plain}/books/b1?from=here`, { redirect: 'manual', headers: { cookie: 'sjn=x' } })
    const form = await fetch(`${plain}/login`, { method: 'POST', redirect: 'manual', body: 'username=ada' })

    expect([visit.status, visit.headers.get('location')]).toEqual([308, `${demo.url}/books/b1?from=here`])
    expect(visit.headers.getSetCookie()).toEqual([])
    expect([form.status, form.headers.get('location')]).toEqual([403, null])
    expect(await demo.close()).toBe(0)
  })

  it('has one port when one was chosen, and says so when the other is taken', async () => {
    const demo = await demoForTest({ args: TLS })
    const taken = await runToItsEnd(TLS, { HTTP_PORT: String(demo.port) })
    const wrong = await runToItsEnd(TLS, { HTTP_PORT: '80x' })

    expect(demo.output()).not.toContain('leads there')
    expect(taken).toEqual({
      code: 1,
      output: `Port ${demo.port} is in use by another program; stop that, or choose another port: HTTP_PORT=${demo.port + 1} npm start -- --tls.`,
    })
    expect(wrong).toEqual({ code: 1, output: expect.stringMatching(/^HTTP_PORT is not a port number; [^\n]*HTTP_PORT=3000\.$/) })
  })

  it.each([
    [{}, 3443, { port: 3000, isWanted: false }],
    [{ PORT: '4000' }, 4000, undefined],
    [{ PORT: '4000', HTTP_PORT: '80' }, 4000, { port: 80, isWanted: true }],
    [{ PORT: '', HTTP_PORT: '' }, 3443, { port: 3000, isWanted: false }],
  ])('takes its ports from %j', (env, port, redirect) => {
    expect(readSettings({ ...env, DEMO_DATA: temporaryFolder() }, true)).toMatchObject({ port, redirect })
  })

  it('survives what is not TLS, and names that nobody has', async () => {
    const folder = temporaryFolder()
    const { port } = await demoForTest({ folder, args: TLS })
    const plain = connectTcp(port, '127.0.0.1')
    plain.on('error', () => {})
    plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(plain, 'close')
    const hostile = [
      'x'.repeat(255),
      '..localhost',
      '-.localhost',
      'localhost.',
      '*.localhost',
      'A.LOCALHOST',
      `${'a.'.repeat(60)}localhost`,
    ]
    for (const name of hostile) expect((await presented(port, name)).subject, name).toBe('CN=localhost')
    const subjects = new Set<string>()
    for (let i = 0; i < 60; i++) subjects.add((await presented(port, `n${i}.localhost`)).subject)

    // Fifty of their own, and the one of localhost for the rest.
    expect(subjects.size).toBe(51)
    expect(await statusOf(`https://localhost:${port}/`, authorityIn(folder))).toBe(200)
  })

  it('says how to trust the authority, how to take that back, and how to start a browser with bound sessions', async () => {
    const folder = temporaryFolder()
    const demo = await demoForTest({ folder, args: TLS })
    const { subject } = new X509Certificate(authorityIn(folder))
    const name = subject.replace('CN=', '')

    const said = demo.output()

    expect(said).toContain(`certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n '${name}' -i ${join(folder, 'tls-authority.pem')}`)
    expect(said).toContain(`certutil -d sql:$HOME/.pki/nssdb -D -n '${name}'`)
    expect(said).toMatch(
      /--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting https:\/\/localhost:\d+\n/,
    )
    expect(said).not.toContain('PRIVATE')
  })
})

describe('the authority', () => {
  it('is the same after a restart, with a key for its owner alone, and no other key on disk', async () => {
    const folder = temporaryFolder()
    const first = await demoForTest({ folder, args: TLS })
    const [ca, leaf] = [authorityIn(folder), await presented(first.port, 'localhost')]
    await first.close()
    const second = await demoForTest({ folder, args: TLS })

    expect(authorityIn(folder)).toBe(ca)
    expect(await statusOf(second.url, ca)).toBe(200)
    expect((await presented(second.port, 'localhost')).fingerprint256).not.toBe(leaf.fingerprint256)
    expect(statSync(join(folder, 'tls-authority.key')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder).filter((name) => name.startsWith('tls'))).toEqual(['tls-authority.key', 'tls-authority.pem'])
  })

  it('is one, however many shops open on a folder at once', async () => {
    const folder = temporaryFolder()

    const shops = await Promise.all([1, 2].map(() => demoForTest({ folder, args: TLS })))

    for (const { url } of shops) expect(await statusOf(url, authorityIn(folder))).toBe(200)
  })

  it('is renewed before a certificate it signs could outlive it, with the same key, and says so', async () => {
    const folder = temporaryFolder()
    const now = Date.now()
    const made = await keepAuthority(folder, now)
    const before = await keepAuthority(folder, now + 639 * DAY)
    const after = await keepAuthority(folder, now + 641 * DAY)
    const later = await keepAuthority(folder, now + 641 * DAY)

    expect([made, before, after, later].map(({ isRenewed }) => isRenewed)).toEqual([false, false, true, false])
    expect(before.certificate).toBe(made.certificate)
    expect(later.certificate).toBe(after.certificate)
    expect(new X509Certificate(after.certificate).checkPrivateKey(made.key)).toBe(true)
    expect(new X509Certificate(after.certificate).validToDate.getTime()).toBeGreaterThan(now + 1_370 * DAY)
  })

  // The attacker has the authority's key, signs for a site of others, and must not be believed.
  it.each([['bank.example'], ['example.test'], ['notlocalhost'], ['127.0.0.2'], ['192.168.1.1']])(
    'cannot speak for %s, even to who trusts it',
    async (host) => {
      const { key, certificate } = await keepAuthority(temporaryFolder(), Date.now())
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const cert = await signLeaf(key, pair.publicKey, [host], Date.now())
      const server = createServer({ cert, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) }, (_, res) => res.end())
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(() => void server.close())
      const { port } = server.address() as { port: number }

      const socket = connect({
        port,
        host: '127.0.0.1',
        servername: isIP(host) ? '' : host,
        ca: certificate,
        checkServerIdentity: () => undefined,
      })
      const [error] = await once(socket, 'secureConnect').then(
        () => [undefined],
        (refusal) => [refusal],
      )

      expect(error?.message).toBe('permitted subtree violation')
    },
  )

  it.each([
    ['tls-authority.key', 'garbage', /^The key file .* holds no usable key; delete it and tls-authority\.pem beside it/],
    ['tls-authority.key', '', /^The key file /],
    ['tls-authority.key', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, /^The key file /],
    [
      'tls-authority.key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      /^The certificate file .* key beside it/,
    ],
    ['tls-authority.pem', 'garbage', /^The certificate file .*; delete it, and a new one is made/],
    ['tls-authority.pem', '', /^The certificate file /],
    [
      'tls-authority.pem',
      `-----BEGIN CERTIFICATE-----\n${'A'.repeat(100_000)}\n-----END CERTIFICATE-----\n`,
      /^The certificate file /,
    ],
  ])('whose %s is damaged (case %#) says what to delete', async (file, content, expected) => {
    const folder = temporaryFolder()
    await keepAuthority(folder, Date.now())
    const text = typeof content === 'string' ? content : content.export({ type: 'pkcs8', format: 'pem' })
    writeFileSync(join(folder, file), text)

    const complaint = await keepAuthority(folder, Date.now()).catch((error) => error)

    expect(complaint.constructor.name).toBe('StartError')
    expect(complaint.message).toMatch(SENTENCE)
    expect(complaint.message).toMatch(expected)
    expect(complaint.message).not.toMatch(/garbage|PRIVATE|AAA/)
    // Following the advice helps.
    for (const each of expected.source.includes('key file')
      ? ['tls-authority.key', 'tls-authority.pem']
      : ['tls-authority.pem']) {
      rmSync(join(folder, each), { force: true })
    }
    expect((await keepAuthority(folder, Date.now())).isRenewed).toBe(false)
  })

  it('whose file is a folder says that it cannot be read', async () => {
    const folder = temporaryFolder()
    await keepAuthority(folder, Date.now())
    rmSync(join(folder, 'tls-authority.pem'))
    mkdirSync(join(folder, 'tls-authority.pem'))

    await expect(keepAuthority(folder, Date.now())).rejects.toThrow(/cannot be read or written \(EISDIR\); /)
  })

  it('is never under version control', () => {
    const root = join(import.meta.dirname, '..', '..')

    expect(readFileSync(join(root, '.gitignore'), 'utf8').split('\n')).toContain('tls-authority.*')
  })
})

describe('a shop that cannot open by HTTPS', () => {
  it('ends with 1 and one sentence when its port is taken', async () => {
    const { port } = await demoForTest({ args: TLS })

    const { code, output } = await runToItsEnd(TLS, { PORT: String(port) })

    expect(code).toBe(1)
    expect(output).toBe(
      `Port ${port} is in use by another program; stop that, or choose another port: PORT=${port + 1} npm start -- --tls.`,
    )
  })

  it('ends with 1 and one sentence when the authority is damaged, and opens nothing', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'tls-authority.key'), 'garbage')

    const { code, output } = await runToItsEnd(TLS, { DEMO_DATA: folder })

    expect(code).toBe(1)
    expect(output).toMatch(SENTENCE)
    expect(existsSync(join(folder, 'sessions.db'))).toBe(false)
  })

  it.each(['pkijs', 'asn1js'])('names the packages when %s is not installed', async (name) => {
    const { code, output } = await runToItsEnd(TLS, without(name))

    expect(code).toBe(1)
    expect(output).toBe('`--tls` needs the packages pkijs and asn1js, which are not installed; run `npm ci` first.')
  })

  it('still opens without --tls when they are not, and makes no authority', async () => {
    const folder = temporaryFolder()
    const demo = await demoForTest({ folder, env: without('pkijs') })

    expect(demo.url).toMatch(/^http:/)
    expect(await takesConnections(demo.port)).toBe(true)
    expect(readdirSync(folder).filter((name) => name.startsWith('tls'))).toEqual([])
  })
})

describe('what follows npm start', () => {
  it.each([
    [[], {}, { tls: false, help: false }],
    [['--tls'], {}, { tls: true, help: false }],
    [['--help'], {}, { tls: false, help: true }],
    [['-h', '--tls'], {}, { tls: true, help: true }],
    // `npm start --tls`: npm takes the word for itself.
    [[], { npm_config_tls: 'true' }, { tls: true, help: false }],
  ])('%j with %j is understood', (given, env, expected) => {
    expect(readArguments(given, env)).toEqual(expected)
  })

  it.each([[['--tsl']], [['tls']], [['--tls=no']], [['--tls', '3443']], [['--']], [['']], [['--tls\nx']], [['--__proto__']]])(
    '%j is refused, or means nothing',
    (given) => {
      if (given[0] === '--') expect(readArguments(given, {})).toEqual({ tls: false, help: false })
      else {
        expect(() => readArguments(given, {})).toThrow(SENTENCE)
        expect(() => readArguments(given, {})).toThrow(/it takes --tls and --help/)
      }
    },
  )

  it('--help says what there is and opens nothing; what is unknown ends with 1', async () => {
    const folder = temporaryFolder()
    const [help, unknown] = await Promise.all([runToItsEnd(['--help'], { DEMO_DATA: folder }), runToItsEnd(['--tsl'])])

    expect(help.code).toBe(0)
    expect(help.output).toContain('npm start -- --tls')
    expect(readdirSync(folder)).toEqual([])
    expect(unknown.code).toBe(1)
    expect(unknown.output).toMatch(SENTENCE)
  })
})

describe('the ways to trust an authority', () => {
  it.each([
    ['linux', ['Chromium on Linux', 'Firefox', 'Debian, Ubuntu']],
    ['darwin', ['macOS', 'Firefox']],
    ['win32', ['Windows', 'Firefox']],
  ] as const)('on %s are those of that system', (platform, expected) => {
    expect(waysToTrust('/data/tls-authority.pem', 'Name', platform).map(({ who }) => who)).toEqual(expected)
  })

  it('hold the file’s path as a shell takes it', () => {
    const ways = waysToTrust("/Ada's data/tls-authority.pem", 'Name', 'darwin')

    expect(ways[0]?.trust).toMatch(/ '\/Ada'\\''s data\/tls-authority\.pem'$/)
  })
})
