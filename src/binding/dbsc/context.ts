/** What the parts of one `deviceBinding` work with. */
import type { Service } from '../../core/service.ts'
import type { GuardedHttp } from '../../http/request-guard.ts'
import type { BoundCookie } from './bound-cookie.ts'
import type { BindingMacs } from './macs.ts'
import type { Settings } from './options.ts'

export interface BindingContext {
  readonly service: Service
  readonly settings: Settings
  readonly macs: BindingMacs
  /** What the adapter said when it was given this guard. */
  readonly http: GuardedHttp
  readonly cookie: BoundCookie
}
