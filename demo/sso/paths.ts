/** Where an application expects Sojourn ID's answers; the same in both. */
export const CALLBACK = '/sso/callback'
export const BACK_CHANNEL = '/sso/backchannel-logout'
export const AFTER_LOGOUT = '/sso/signed-out'
