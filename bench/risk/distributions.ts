/** Every number the simulator draws by, in one place; docs/guide/anomalies.md says the same in words. They were written before the model was tuned. */
export const DAY = 86_400_000

export const WORLD = {
  countries: 40,
  /** Share of people who live in the first country, where the site is. The others by Zipf's law. */
  homeShare: 0.8,
  /** Access operators of a country: fixed lines, mobile. */
  fixedOperators: [4, 14],
  mobileOperators: [2, 4],
  cities: [4, 12],
  /** Networks (/24) of a fixed operator in one city, and of a mobile one in its whole country: behind its address translation. */
  fixedNetworks: [8, 120],
  mobileNetworks: [10, 50],
  /** Hosting and VPN operators of a country, networks of each. */
  hosting: [6, 20],
  hostingNetworks: [8, 40],
} as const

export const PEOPLE = {
  /** Days between two sign-ins: log-normal around 5, so that some come daily and some twice a year. */
  gap: { median: 5, sigma: 1.1 },
  /** Lines with an address for good; the others get another one of the city's every 21 days on average. */
  staticLine: 0.55,
  newAddressEvery: 21,
  /** Half of them stay in the same network then. */
  sameNetwork: 0.5,
  hasPhone: 0.88,
  hasDesktop: 0.78,
  secondBrowser: 0.12,
  /** Share of a phone's sign-ins that go over the mobile network. */
  onMobile: 0.4,
  /** Who works at a place with a network of its own, and their share of sign-ins from there on weekdays. */
  employed: 0.45,
  fromWork: 0.35,
  employers: 150,
  /** Of them, who has another machine there, kept by others: some days to two months behind. */
  workMachine: 0.6,
  workLag: [5, 60],
  /** Cafes, friends, trains: another network of the city. */
  elsewhere: 0.025,
  /** Trips a year for those who travel; days; abroad. Of phones abroad, so many come through the operator at home. */
  travellers: 0.35,
  tripsAYear: 2,
  tripDays: [2, 12],
  abroad: 0.5,
  roamsHome: 0.6,
  /** Consumer VPN: who has one, how many of their sign-ins use it, and how many of these from abroad. */
  vpn: 0.05,
  throughVpn: 0.3,
  vpnAbroad: 0.4,
  /** New devices: a phone every 900 days, a desktop every 1,800. Moves and new operators: one in 12 a year. */
  phoneLasts: 900,
  desktopLasts: 1800,
  newLineAYear: 1 / 12,
  /** Browsers update by themselves some days after a release; so many do not for months. */
  updateLag: [0, 9],
  slowUpdaters: 0.1,
  slowLag: [40, 200],
  /** Forgotten passwords: sign-ins that come after one to three failures. */
  forgets: 0.05,
} as const

export const BROWSERS = {
  /** A major version every so many days. */
  releaseEvery: 28,
  desktop: [
    ['Windows', 0.64],
    ['macOS', 0.24],
    ['Linux', 0.05],
    ['Chrome OS', 0.07],
  ],
  phone: [
    ['Android', 0.5],
    ['iOS', 0.5],
  ],
  of: {
    Windows: [
      ['Chrome', 0.6],
      ['Microsoft Edge', 0.25],
      ['Firefox', 0.12],
      ['Opera', 0.03],
    ],
    macOS: [
      ['Safari', 0.5],
      ['Chrome', 0.4],
      ['Firefox', 0.1],
    ],
    Linux: [
      ['Firefox', 0.55],
      ['Chrome', 0.45],
    ],
    'Chrome OS': [['Chrome', 1]],
    Android: [
      ['Chrome', 0.8],
      ['Samsung Internet for Android', 0.14],
      ['Firefox', 0.06],
    ],
    iOS: [
      ['Safari', 0.9],
      ['Chrome', 0.1],
    ],
  },
} as const

/** Round trips in milliseconds: to the site's country and back, the line's own share (log-normal, kept by the line), and noise of each measurement. */
export const ROUND_TRIPS = {
  withinCountry: [3, 14],
  abroad: [20, 220],
  fixed: { median: 7, sigma: 0.7 },
  mobile: { median: 38, sigma: 0.35 },
  noise: 0.12,
  /** What a VPN adds beside the attacker's own way to it. */
  vpn: [2, 20],
} as const

export const ATTACKS = {
  /** For each class, so many attempts, on people drawn one as likely as another. */
  each: 3000,
  /** Naive: from anywhere, two thirds from hosting; a tool with the most common agents. */
  naiveHosting: 0.66,
  /** VPN: the victim's country; most through hosting or VPN operators, some through rented lines of ordinary people. */
  vpnHosting: 0.75,
} as const
