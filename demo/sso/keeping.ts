/** Where Sojourn ID keeps what `oidc-provider` hands it: in this process, until its time is over. */
import type { Adapter, AdapterPayload } from 'oidc-provider'

interface Kept {
  readonly payload: AdapterPayload
  readonly deadline: number
}

/** More than a demonstration needs; the oldest go first. */
const MOST = 5000

/** One place for one provider. Gives what `oidc-provider` makes one adapter a kind with. */
export function keepInMemory(): (kind: string) => Adapter {
  const kept = new Map<string, Kept>()

  const find = (matches: (payload: AdapterPayload) => boolean, kind: string) => {
    for (const [key, { payload, deadline }] of kept)
      if (key.startsWith(`${kind}:`) && matches(payload)) return deadline > Date.now() ? payload : undefined
    return undefined
  }

  return (kind) => ({
    async upsert(id, payload, expiresIn) {
      const key = `${kind}:${id}`
      kept.delete(key)
      kept.set(key, { payload, deadline: Date.now() + (expiresIn ?? 3600) * 1000 })
      for (const oldest of kept.keys()) {
        if (kept.size <= MOST) break
        kept.delete(oldest)
      }
    },
    async find(id) {
      const found = kept.get(`${kind}:${id}`)
      return found !== undefined && found.deadline > Date.now() ? found.payload : undefined
    },
    findByUid: async (uid) => find((payload) => payload.uid === uid, kind),
    findByUserCode: async (userCode) => find((payload) => payload.userCode === userCode, kind),
    async consume(id) {
      const key = `${kind}:${id}`
      const found = kept.get(key)
      if (found !== undefined) kept.set(key, { ...found, payload: { ...found.payload, consumed: Math.floor(Date.now() / 1000) } })
    },
    async destroy(id) {
      kept.delete(`${kind}:${id}`)
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of kept) if (payload.grantId === grantId) kept.delete(key)
    },
  })
}
