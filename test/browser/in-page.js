// What the tests ask of a page from inside it. Plain JavaScript: the repository's types know no DOM, on purpose. Each function is sent
// to the browser as text, so it may use nothing from outside itself.

/** WCAG 2.2, 1.4.3: the pair of text and background with the least contrast. */
export function worstContrast() {
  const style = getComputedStyle(document.documentElement)
  const luminance = (name) => {
    const hex = style.getPropertyValue(`--${name}`).trim().slice(1)
    const [red, green, blue] = [0, 2, 4].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const texts = ['ink', 'soft', 'accent', 'accent-deep', 'trouble'].flatMap((text) =>
    ['paper', 'card', 'sunk'].map((behind) => [text, behind]),
  )
  const pairs = [
    ...texts,
    ['accent-ink', 'accent'],
    ['accent-ink', 'accent-deep'],
    ['ink', 'told'],
    ['accent', 'told'],
    ['ink', 'trouble-paper'],
    ['paper', 'ink'],
    ['paper', 'trouble'],
  ]
  return pairs
    .map(([text, behind]) => {
      const [light, dark] = [luminance(text), luminance(behind)].toSorted((a, b) => b - a)
      return { pair: `${text} on ${behind}`, ratio: (light + 0.05) / (dark + 0.05) }
    })
    .reduce((worst, pair) => (pair.ratio < worst.ratio ? pair : worst))
}

/** What a person who cannot see the page, or sees it on a small screen, needs of it and does not find. */
export function missing() {
  const found = []
  if (document.querySelectorAll('h1').length !== 1) found.push('one h1')
  if (document.documentElement.lang === '') found.push('a language')
  for (const landmark of ['main', 'header.masthead', 'nav[aria-label]', 'footer']) {
    if (document.querySelectorAll(landmark).length !== 1) found.push(landmark)
  }
  for (const input of document.querySelectorAll('input:not([type=hidden])')) {
    if (input.labels.length !== 1) found.push(`a label for ${input.name}`)
  }
  for (const control of document.querySelectorAll('a, button')) {
    if (control.textContent.trim() === '') found.push(`words in ${control.outerHTML}`)
  }
  for (const picture of document.querySelectorAll('svg')) {
    const hasWords = picture.getAttribute('role') === 'img' && Boolean(picture.getAttribute('aria-label'))
    if (picture.closest('[aria-hidden=true]') === null && !hasWords) found.push('aria-hidden on a picture')
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id)
  if (new Set(ids).size !== ids.length) found.push('unique ids')
  const levels = [...document.querySelectorAll('h1, h2, h3')].map((heading) => Number(heading.tagName[1]))
  if (levels.some((level, index) => level > (levels[index - 1] ?? 0) + 1)) found.push('headings in order')
  if (document.documentElement.scrollWidth > innerWidth) found.push(`width: it is ${document.documentElement.scrollWidth}`)
  return found
}

/** Where the keyboard is, and how that is shown. */
export function focus() {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
  const isInMain = document.activeElement.closest('main') !== null
  return { text: document.activeElement.textContent, isInMain, outline: `${outlineWidth} ${outlineStyle}` }
}

/** Everything a script could get hold of and keep. */
export function withinReach() {
  return document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)
}

/** Until the letters are the shop's own. */
export async function fontsReady() {
  await document.fonts.ready
}

/** Answers of the page's own origin, all asked for at once. */
export async function fetchAll([method, ...paths]) {
  const one = async (path) => {
    try {
      const response = await fetch(path, { method, redirect: 'manual' })
      return { status: response.status, body: await response.text() }
    } catch (error) {
      return { status: 0, body: String(error) }
    }
  }
  return Promise.all(paths.map(one))
}

export function bodyText() {
  return document.body.textContent
}

/** All that a script in a page can lay its hands on. Left in the title's place, where the test finds it. */
export async function takeLoot() {
  const answers = await Promise.all(
    ['/me', '/login', '/'].map(async (path) => {
      const response = await fetch(path, { credentials: 'include' })
      return [...response.headers].join() + (await response.text())
    }),
  )
  const loot = [
    document.cookie,
    JSON.stringify(await globalThis.cookieStore.getAll()),
    JSON.stringify(localStorage),
    JSON.stringify(sessionStorage),
    JSON.stringify(await indexedDB.databases()),
    JSON.stringify(await caches.keys()),
    JSON.stringify(performance.getEntries()),
    JSON.stringify(history.state),
    document.documentElement.outerHTML,
    location.href,
    window.name,
    ...answers,
  ].join('\n')
  document.body.setAttribute('data-loot', loot)
  return loot
}

/** How this browser reads each of these as a link on this page: the origin it would go to. */
export function originsOf(links) {
  return links.map((link) => {
    const anchor = document.createElement('a')
    anchor.setAttribute('href', link)
    return anchor.origin
  })
}

/** Asks this browser's authenticator through `@simplewebauthn/browser`, which the page has loaded; the answer, or the browser's own word for why not. */
export async function ceremony({ kind, optionsJSON, useBrowserAutofill }) {
  const { startRegistration, startAuthentication } = globalThis.SimpleWebAuthnBrowser
  try {
    const answer =
      kind === 'create' ? startRegistration({ optionsJSON }) : startAuthentication({ optionsJSON, useBrowserAutofill })
    return { answer: JSON.parse(JSON.stringify(await answer)) }
  } catch (error) {
    return { error: error.name }
  }
}

/** What the page's own origin answers to JSON. */
export async function postJson({ path, body }) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return response.status === 200 ? response.json() : { status: response.status }
}

/** What axe-core, which was put into the page before, finds against WCAG: the rule, and where. */
export async function axeViolations() {
  const { violations } = await globalThis.axe.run()
  return violations.map(
    ({ id, nodes }) =>
      `${id} at ${nodes
        .slice(0, 3)
        .map(({ target }) => target.join(' '))
        .join(', ')}`,
  )
}
