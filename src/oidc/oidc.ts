/** The entry `sojourn/oidc`: sign-in with a provider, and sign-out that reaches every application. */
export type { Deliveries, Delivery, DeliveryCounts, Hub, HubClient, HubOptions, LogoutSigner } from './hub.ts'
export { createHub } from './hub.ts'
export type { LeaseOptions, Outbox, OutboxCount, OutboxEntry, OutboxState, Settlement } from './outbox.ts'
export type {
  ClientKey,
  ClientRegistration,
  FinishOptions,
  IdTokenAlgorithm,
  IdTokenClaims,
  RelyingParty,
  RelyingPartyOptions,
  SignInOutcome,
  SignInRefusal,
  SignOutOptions,
  SignOutOutcome,
  StartOptions,
} from './relying-party.ts'
export { relyingParty } from './relying-party.ts'
