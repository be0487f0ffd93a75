/** A session service with a detector, and clients to visit it with: the guard as an adapter calls it, without one around it. */
import { type Session, workOf } from '../../../src/core/session.ts'
import type { GuardedRequest } from '../../../src/http/request-guard.ts'
import { type AnomalyOptions, anomalyDetection, type GeoReader } from '../../../src/monitor/anomalies.ts'
import { type LooseOptions, setUp } from '../../core/support.ts'

export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
export const FIREFOX_OLDER = FIREFOX.replaceAll('140.0', '128.0')
export const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'

/** Addresses of the tests' world. */
export const HOME = '192.0.2.10'
export const NEIGHBOUR = '192.0.3.10'
export const MOBILE = '198.51.100.7'
export const FAR = '203.0.113.9'

const CITIES: Record<string, object> = {
  '192.0.2': { country: { iso_code: 'NL' }, location: { latitude: 52.4, longitude: 4.9, accuracy_radius: 20 } },
  '192.0.3': { country: { iso_code: 'NL' }, location: { latitude: 52.1, longitude: 5.1, accuracy_radius: 20 } },
  '198.51.100': { country: { iso_code: 'NL' }, location: { latitude: 52.1, longitude: 5.1, accuracy_radius: 200 } },
  '203.0.113': { country: { iso_code: 'NZ' }, location: { latitude: -36.8, longitude: 174.8, accuracy_radius: 50 } },
}
const OPERATORS: Record<string, number> = { '192.0.2': 64500, '192.0.3': 64500, '198.51.100': 64501, '203.0.113': 64502 }

const prefix = (address: string) => address.slice(0, address.lastIndexOf('.'))
export const geo: { asn: GeoReader; city: GeoReader } = {
  asn: { get: (address) => ({ autonomous_system_number: OPERATORS[prefix(address)] }) },
  city: { get: (address) => CITIES[prefix(address)] ?? null },
}

/** What a client sends and where it is. */
export interface TestClient {
  readonly agent?: string | undefined
  readonly address?: string | undefined
}

export function requestOf({ agent, address }: TestClient): GuardedRequest {
  const header = (name: string) => (name === 'user-agent' ? agent : undefined)
  return {
    facts: { header, path: '/', method: 'GET' },
    isSecure: true,
    clientAddress: address,
    isUpgrade: false,
  } as unknown as GuardedRequest
}

export function detecting(options: AnomalyOptions = {}, given: LooseOptions = {}) {
  const service = setUp(given)
  const { sessions } = service
  const anomalies = anomalyDetection(sessions, { geo, ...options })
  anomalies.attach({ sessions })

  /** Signs in as an adapter would, and waits for what happens in the background. */
  const signIn = async (client: TestClient, subject = 'ada', further: object = {}) => {
    const request = requestOf(client)
    const notesAtStart = (of: string | undefined) => {
      const note = anomalies.notesAtStart(request, of)
      return note && { anomalies: note }
    }
    const session = await sessions.signIn({ subject, method: 'pwd', ...further }, { notesAtStart, mayBePending: true })
    const { token } = await session.commit()
    anomalies.respond(session, request, {}, true)
    await settled()
    return token!
  }
  const settled = async () => {
    await sessions.events.drained()
    await anomalies.drained()
    await sessions.events.drained()
  }
  /** One request: what the handler sees, and the token the browser has afterwards. */
  const visit = async (token: string, client: TestClient, handle?: (session: Session) => unknown) => {
    const session = await sessions.read(token)
    if (workOf(session).active !== undefined) await anomalies.inspect(session, requestOf(client))
    await handle?.(session)
    const instruction = await session.commit()
    await settled()
    return { session, token: instruction.token ?? token }
  }
  const found = async (signal: string) => {
    const events = await service.seen('anomaly.detected')
    return events.filter((event) => event.type === 'anomaly.detected' && event.signal === signal)
  }
  return { ...service, anomalies, signIn, visit, found, settled }
}
