/**
 * How to make programs trust the demo's authority, how to take that back, and how to start a Chromium that binds sessions to its
 * device. Words for whoever runs the shop; nothing here is run by the demo itself, which changes no trust on anybody's machine.
 */

import type { DemoTls } from './server.ts'

/** One program or system: a command each way. */
export interface Way {
  readonly who: string
  readonly trust: string
  readonly undo: string
}

/** In the order of how probable they are. */
const SYSTEMS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['Chromium on Linux', 'Firefox', 'Debian, Ubuntu'],
  darwin: ['macOS', 'Firefox'],
  win32: ['Windows', 'Firefox'],
}

/**
 * @param path - The certificate file of the authority.
 * @param name - The authority's name, which tells its key from others.
 * @param platform - Whose ways; those of all when it is none of the three.
 */
export function waysToTrust(path: string, name: string, platform: NodeJS.Platform): readonly Way[] {
  const file = quoted(path)
  const database = '-d sql:$HOME/.pki/nssdb'
  const copy = '/usr/local/share/ca-certificates/sojourn-books.crt'
  const ways: readonly Way[] = [
    {
      who: 'Chromium on Linux',
      trust: `mkdir -p ~/.pki/nssdb && certutil ${database} -A -t C,, -n '${name}' -i ${file}   (Debian's package libnss3-tools)`,
      undo: `certutil ${database} -D -n '${name}'`,
    },
    {
      who: 'Firefox',
      trust: `Settings, Privacy & Security, View Certificates, Authorities, Import: ${path}`,
      undo: `the same list: ${name}, Delete or Distrust`,
    },
    {
      who: 'Debian, Ubuntu',
      trust: `sudo cp ${file} ${copy} && sudo update-ca-certificates`,
      undo: `sudo rm ${copy} && sudo update-ca-certificates --fresh`,
    },
    {
      who: 'macOS',
      trust: `security add-trusted-cert -r trustRoot -p ssl -k ~/Library/Keychains/login.keychain-db ${file}`,
      undo: `security delete-certificate -t -c '${name}'`,
    },
    {
      who: 'Windows',
      trust: `certutil -user -addstore Root "${path}"`,
      undo: `certutil -user -delstore Root "${name}"`,
    },
  ]
  const wanted = SYSTEMS[platform]
  return wanted === undefined ? ways : wanted.flatMap((who) => ways.filter((way) => way.who === who))
}

/**
 * A Chromium with a profile of its own that takes this authority's certificates without being told of it anywhere else, and whose
 * device-bound sessions are on. Their keys are in software: good for trying, no protection against who can read the profile.
 *
 * @param authorityHash - The SPKI hash of the authority.
 */
export function boundChromium(url: string, authorityHash: string): string {
  const flags = [
    '--user-data-dir=/tmp/sojourn-chromium',
    `--ignore-certificate-errors-spki-list=${authorityHash}`,
    '--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting',
  ]
  return `chromium ${flags.join(' ')} ${url}`
}

/** What the shop says of its certificate when it opens. */
export function tlsWords({ authority, authorityName, authorityHash }: DemoTls, url: string, platform: NodeJS.Platform): string {
  const ways = waysToTrust(authority.path, authorityName, platform)
  const news = authority.isRenewed
    ? ' It was near its end and is new: programs that trusted the old one have to be told again.'
    : ''
  return `
  The certificate is signed by an authority of this shop's own, which can sign for localhost alone.${news}
  Browsers warn until they trust it:

${ways.map(({ who, trust, undo }) => `    ${who}\n      trust   ${trust}\n      undo    ${undo}`).join('\n')}

  A Chromium that takes it as it is, with device-bound sessions on (their keys in software: for trying only):

    ${boundChromium(url, authorityHash)}
`
}

/** For a POSIX shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
