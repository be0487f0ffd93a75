/** What may follow `npm start --`. */
import { parseArgs } from 'node:util'
import { StartError } from './start-error.ts'

export interface Arguments {
  /** Serve HTTPS. */
  readonly tls: boolean
  /** Keep passwords in the browser. */
  readonly opaque?: boolean
  /** Open a provider and a second application beside the shop. */
  readonly sso?: boolean
  /** Let a simulated crowd in. */
  readonly live?: boolean
  /** Say what there is, and open nothing. */
  readonly help: boolean
}

/**
 * @param env - npm keeps `npm start --tls`, without the `--` between, for itself and says so here; what is meant is clear.
 * @throws {StartError} An argument that there is not.
 */
export function readArguments(given: readonly string[], env: NodeJS.ProcessEnv): Arguments {
  try {
    const { values } = parseArgs({
      args: [...given],
      options: {
        tls: { type: 'boolean' },
        opaque: { type: 'boolean' },
        sso: { type: 'boolean' },
        live: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: false,
    })
    const isOpaque = values.opaque ?? env.npm_config_opaque === 'true'
    const isLive = values.live ?? env.npm_config_live === 'true'
    const isSso = values.sso ?? env.npm_config_sso === 'true'
    const tls = values.tls ?? env.npm_config_tls === 'true'
    if (tls && isSso) throw new StartError('--sso opens three addresses over plain HTTP on this machine; leave out --tls.')
    return {
      tls,
      help: values.help ?? false,
      ...(isOpaque && { opaque: true }),
      ...(isSso && { sso: true }),
      ...(isLive && { live: true }),
    }
  } catch (error) {
    if (error instanceof StartError) throw error
    throw new StartError(
      `The shop does not know what to do with ${given.map((each) => JSON.stringify(each)).join(' ')}; it takes --tls and --help, as in \`npm start -- --tls\`, and --opaque, --sso and --live.`,
    )
  }
}

export const HELP = `
  npm start              opens the shop on http://localhost:3000
  npm start -- --tls     opens it on https://localhost:3443, with a certificate of an authority of its own
  npm start -- --opaque  opens it without ever seeing a password: they stay in the browser (OPAQUE, RFC 9807)
  npm start -- --sso     opens it with a provider to sign in with, and a second application, on the next two ports
  npm start -- --live    opens it with five hundred simulated readers and a few attackers, for the console
  npm start -- --help    says this

  In the environment
    PORT                     another port; 0 lets the system choose one
    HTTP_PORT                with --tls: where plain HTTP leads to HTTPS (3000, if that is free and PORT is not set)
    DEMO_DATA                the folder of everything the shop keeps (.data)
    STORE, NEAR_CACHE        where visits are kept: docs/stores/README.md
    SESSION_KEYS             keys from \`npx sojourn keys\` instead of the one in the data folder
    DEMO_IDLE_SECONDS        longest gap between two uses of a visit (1800)
    DEMO_ABSOLUTE_SECONDS    longest visit (43200)
`
