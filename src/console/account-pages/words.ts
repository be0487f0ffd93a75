/**
 * Every word of the person's own page in one table, so that an application can say its own name, another tone or another language. They are text, never markup.
 */

/** Words of the page. Functions get numbers and names, and answer with a sentence. */
export interface AccountWords {
  /** Language of all of them, as BCP 47 has it; times are written in it. */
  readonly lang: string
  /** What people call your site. */
  readonly product: string
  readonly title: string
  readonly intro: (product: string) => string
  readonly devices: string
  readonly thisDevice: string
  readonly unknownDevice: string
  readonly isPending: string
  readonly pendingNote: string
  readonly place: string
  readonly signedInWith: string
  readonly started: string
  readonly lastUsed: string
  readonly now: string
  readonly alone: string
  readonly cannotList: string
  readonly endOne: string
  readonly notMe: string
  readonly allAtOnce: string
  readonly endOthers: string
  readonly endAll: string
  readonly activity: string
  readonly noActivity: string
  readonly onlySignIns: string
  readonly onThisDevice: string
  /** What happened, by the event's type, for another language. `ours` is the English sentence. */
  readonly happened: (type: string, ours: string) => string
  readonly attention: string
  readonly keep: string
  readonly back: string
  readonly confirmOne: { readonly title: string; readonly text: string; readonly button: string }
  readonly confirmHere: { readonly title: string; readonly text: string; readonly button: string }
  /** The number is `undefined` where the store cannot count. */
  readonly confirmOthers: {
    readonly title: string
    readonly text: (count: number | undefined) => string
    readonly button: (count: number | undefined) => string
  }
  readonly confirmAll: {
    readonly title: string
    readonly text: (count: number | undefined) => string
    readonly button: (count: number | undefined) => string
  }
  readonly confirmNotMe: {
    readonly title: string
    readonly willEnd: string
    readonly hasEnded: string
    readonly mayEnd: string
    readonly willEndOthers: string
    readonly cannotEnd: string
    readonly willMark: string
    readonly button: string
  }
  readonly secured: {
    readonly title: string
    readonly text: string
    /** Where the store can end nothing but the session in use. */
    readonly cannotEnd: string
    readonly marked: string
    readonly steps: string
    readonly password: string
    readonly passwordLink: string
    readonly others: (count: number | undefined) => string
    readonly noOthers: string
    readonly mail: string
  }
  readonly unmarked: { readonly title: string; readonly text: string; readonly button: string; readonly choose: string }
  readonly notice: {
    readonly title: string
    readonly text: (product: string) => string
    readonly device: string
    readonly when: string
    readonly how: string
    readonly endsOne: string
    readonly endsAll: string
    readonly orElse: string
    readonly look: string
    readonly used: { readonly title: string; readonly text: string }
    readonly unknown: { readonly title: string; readonly text: string }
  }
  readonly refused: {
    readonly nothing: { readonly title: string; readonly text: string }
    readonly forged: { readonly title: string; readonly text: string }
  }
  readonly done: { readonly one: string; readonly others: string; readonly gone: string; readonly here: string }
}

const devices = (count: number | undefined, some: string) =>
  count === undefined ? some : `${count} ${count === 1 ? 'device' : 'devices'}`
const others = (count: number | undefined) =>
  count === undefined ? 'all other devices' : count === 1 ? '1 other device' : `${count} other devices`

/** English. */
export const accountWords: AccountWords = {
  lang: 'en',
  product: 'this site',
  title: 'Where you are signed in',
  intro: (product) =>
    `These are the devices that are signed in to your account at ${product}. If you do not know one of them, say “This wasn’t me”: we sign it out at once.`,
  devices: 'Your devices',
  thisDevice: 'This device',
  unknownDevice: 'A device we have no name for',
  isPending: 'Not all the way in',
  pendingNote: 'Somebody gave your password here, and not yet the second step.',
  place: 'Place',
  signedInWith: 'Signed in with',
  started: 'Signed in',
  lastUsed: 'Last used',
  now: 'now',
  alone: 'You are signed in nowhere else.',
  cannotList:
    'This site keeps no list of the other devices you are signed in on. If somebody else may be signed in as you, sign all the others out.',
  endOne: 'Sign out',
  notMe: 'This wasn’t me',
  allAtOnce: 'All at once',
  endOthers: 'Sign out all other devices',
  endAll: 'Sign out everywhere, here too',
  activity: 'Recent activity',
  noActivity: 'Nothing has happened lately.',
  onlySignIns: 'What is known here is when each of these devices signed in.',
  onThisDevice: 'on this device',
  happened: (_type, ours) => ours,
  attention: 'Look at this',
  keep: 'No, go back',
  back: 'Back to your devices',
  confirmOne: {
    title: 'Sign out this device?',
    text: 'It stays signed out until somebody signs in on it again.',
    button: 'Sign out 1 device',
  },
  confirmHere: { title: 'Sign out here?', text: 'This is the device you are using now.', button: 'Sign out here' },
  confirmOthers: {
    title: 'Sign out all other devices?',
    text: (count) => `This ends your session on ${others(count)}. You stay signed in here.`,
    button: (count) => `Sign out ${others(count)}`,
  },
  confirmAll: {
    title: 'Sign out everywhere?',
    text: (count) => `This ends your session on ${devices(count, 'every device')}, this one included.`,
    button: (count) => `Sign out ${devices(count, 'every device')}`,
  },
  confirmNotMe: {
    title: 'This wasn’t you?',
    willEnd: 'We sign this device out at once: 1 session ends.',
    hasEnded: 'That session is over by now; nothing is left to sign out.',
    mayEnd: 'If that session is not over by now, it ends.',
    willEndOthers: 'This site cannot sign out one device alone: all your other devices are signed out at once.',
    cannotEnd: 'This site cannot sign out other devices. Choose a new password at once.',
    willMark: 'Your password may be known to somebody else, so you will be asked for a new one.',
    button: 'Yes, this wasn’t me',
  },
  secured: {
    title: 'Thank you for telling us',
    text: 'Whatever it was, it is signed out now and cannot come back without signing in again.',
    cannotEnd: 'This site cannot sign out other devices; they stay signed in until their time is over.',
    marked: 'Your account is marked: it needs a new password.',
    steps: 'What to do next',
    password: 'Choose a new password that you use nowhere else.',
    passwordLink: 'Choose a new password',
    others: (count) =>
      `${count === undefined ? 'Other devices may still be signed in.' : count === 1 ? '1 other device is still signed in.' : `${count} other devices are still signed in.`} If you are not sure of all of them, sign them out.`,
    noOthers: 'You are signed in nowhere else. Nothing to do.',
    mail: 'Look at your e-mail account too: whoever reads your mail can have your password replaced.',
  },
  unmarked: {
    title: 'It is signed out, and something is left to do',
    text: 'The device is signed out. We could not note that your account needs a new password. Please try again, or choose a new one now.',
    button: 'Try again',
    choose: 'We could not note that your account needs a new password. Please choose one now.',
  },
  notice: {
    title: 'A new sign-in to your account',
    text: (product) =>
      `Somebody signed in to your account at ${product}. If it was you, there is nothing to do: close this page.`,
    device: 'Device',
    when: 'When',
    how: 'Signed in with',
    endsOne: 'If it was not you, that device is signed out at once.',
    endsAll: 'If it was not you, all devices are signed out at once, yours too.',
    orElse: 'The link in our message is good for nothing else, and stops working by itself.',
    look: 'Sign in and look at the devices that are signed in. Sign out every one that you do not know.',
    used: {
      title: 'You have told us already',
      text: 'That sign-in was ended when you told us. If you have not yet, choose a new password.',
    },
    unknown: {
      title: 'This link does not work any more',
      text: 'It is too old, or not complete. Sign in and look at your devices instead.',
    },
  },
  refused: {
    nothing: { title: 'There is nothing here', text: 'The address is wrong, or what it led to is over.' },
    forged: {
      title: 'Nothing was changed',
      text: 'We could not make sure that this came from your own page. Please go back and try again.',
    },
  },
  done: {
    one: 'The device is signed out.',
    others: 'All other devices are signed out.',
    gone: 'That device was signed out already.',
    here: 'That is the device you are using now. If it isn’t yours, sign out everywhere.',
  },
}

/** The application's words on top of ours. */
export function wordsWith(given: Partial<AccountWords> = {}): AccountWords {
  return { ...accountWords, ...given }
}
