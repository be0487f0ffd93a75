import type { Service } from '../../core/service.ts'
import type { Outbox } from '../outbox.ts'
import type { HubSettings } from './options.ts'

/** What every part of one `createHub` works with. */
export interface HubContext {
  readonly service: Service
  readonly settings: HubSettings
  /** The outbox behind its deadlines. */
  readonly outbox: Outbox
  /** A number from 0 to 1. */
  readonly random: () => number
}
