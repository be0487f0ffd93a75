/**
 * The checks of who presents a visit's token: the device's key where browsers can hold one, what the browser shows of itself, and whether a second factor is
 * still due. In this order: a visit that turns up where it does not belong is not asked for a code.
 */
import { type DeviceBinding, deviceBinding, type RequestGuard } from 'sojourn/dbsc'
import { traitChecks } from 'sojourn/traits'
import type { Shop } from '../shop.ts'

export interface ShopGuards {
  /** `undefined` without TLS, where browsers bind nothing, and where visits live in cookies, which a device's endpoints cannot change. */
  readonly binding: DeviceBinding | undefined
  readonly inOrder: readonly RequestGuard[]
}

export function guardsOf({ sessions, store, stepUp, monitor, sso, isTls }: Shop): ShopGuards {
  const isBindable = isTls && store.choice.kind !== 'cookie'
  const binding = isBindable ? deviceBinding(sessions) : undefined
  // Without TLS there is nothing left to protect that could not be read on the way: the checks only say what they would do.
  const traits = traitChecks({ shadow: !isTls })
  return {
    binding,
    inOrder: [
      ...(binding === undefined ? [] : [binding]),
      traits,
      stepUp,
      monitor.anomalies,
      ...(sso === undefined ? [] : [sso.party]),
    ],
  }
}
