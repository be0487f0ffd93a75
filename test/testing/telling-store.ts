/** Handles on a memory store that tell each other of changes, and the ways in which they can fail to. */
import { subjectKeyOf } from 'sojourn'
import type { ChangeListener, Store } from '../../src/core/store.ts'
import { changed } from './changed-store.ts'

interface Faults {
  readonly silentAbout?: 'update' | 'revoke' | 'replace' | 'evict' | 'revokeSubject' | 'revokeLinked'
  readonly keepsThoseWhoLeft?: boolean
  readonly stopsAtThrowing?: boolean
}

export function tellingStore(engine: Store, { silentAbout, keepsThoseWhoLeft, stopsAtThrowing }: Faults) {
  const listeners = new Set<ChangeListener>()
  const tell = (kind: Faults['silentAbout'], call: (listener: ChangeListener) => void) => {
    if (kind === silentAbout) return
    setImmediate(() => {
      for (const listener of listeners) {
        try {
          call(listener)
        } catch {
          if (stopsAtThrowing) return
        }
      }
    })
  }
  const told = (kind: Faults['silentAbout'], id: string) => tell(kind, (listener) => listener.changed(id))

  const open = () =>
    changed(engine, {
      create: async (record, options) => {
        const outcome = await engine.create(record, options)
        if (outcome.kind !== 'created') return outcome
        if (options.replaces) told('replace', options.replaces.id)
        for (const id of outcome.evicted) told('evict', id)
        return outcome
      },
      update: async (id, version, changes, options) => {
        const outcome = await engine.update(id, version, changes, options)
        told('update', id)
        return outcome
      },
      revoke: async (id, options) => {
        const outcome = await engine.revoke(id, options)
        told('revoke', id)
        return outcome
      },
      revokeSubject: async (subject, options) => {
        const outcome = await engine.revokeSubject(subject, options)
        tell('revokeSubject', (listener) => listener.subjectRevoked(subjectKeyOf(subject)))
        return outcome
      },
      revokeLinked: async (key, options) => {
        const ended = await engine.revokeLinked!(key, options)
        for (const { id } of ended) told('revokeLinked', id)
        return ended
      },
      changes: {
        subscribe: async (listener) => {
          const entry = { ...listener }
          listeners.add(entry)
          return async () => {
            if (!keepsThoseWhoLeft) listeners.delete(entry)
          }
        },
      },
    })
  return { open }
}
