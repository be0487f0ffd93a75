// Passkeys, through @simplewebauthn/browser: signing in with one, proving with one, adding one. Where they cannot work, the page says so and a password or a
// code does. No markup comes from an answer.

const { startAuthentication, startRegistration, browserSupportsWebAuthn, browserSupportsWebAuthnAutofill } =
  globalThis.SimpleWebAuthnBrowser

/** Challenges are good for five minutes; a sign-in page may stay open for longer. */
const RENEW_AFTER = 4 * 60_000

const place = document.querySelector('[data-passkey]')
// They are made for one address: at another name of the same shop the browser would refuse.
if (place !== null && browserSupportsWebAuthn() && location.host === place.dataset.host) {
  const kinds = { 'sign-in': signIn, prove, register }
  kinds[place.dataset.passkey](place)
}

function signIn(form) {
  const { button, say } = parts(form)
  button.hidden = false

  async function attempt(useBrowserAutofill) {
    const optionsJSON = await post('/login/passkey/options')
    const response = await startAuthentication({ optionsJSON, useBrowserAutofill })
    await post('/login/passkey', { response, remember: form.elements.remember.checked })
    location.assign(form.dataset.next)
  }

  async function offer() {
    try {
      await attempt(true)
    } catch (error) {
      // Called off, or the button or the next offer has taken its place: nothing to say. What the shop refused is said.
      if (error instanceof Refused) say(error.message)
    }
  }

  button.addEventListener('click', async () => {
    say('')
    try {
      await attempt(false)
    } catch (error) {
      say(wordsFor(error))
      if (await browserSupportsWebAuthnAutofill()) offer()
    }
  })
  browserSupportsWebAuthnAutofill().then((isSupported) => {
    if (!isSupported) return
    offer()
    setInterval(offer, RENEW_AFTER)
  })
}

function prove(section) {
  const { button, say } = parts(section)
  const { next, approval } = section.dataset
  button.hidden = false
  say('')
  button.addEventListener('click', async () => {
    try {
      const optionsJSON = await post('/mfa/passkey/options')
      const response = await startAuthentication({ optionsJSON })
      await post('/mfa/passkey', { response, ...(approval && { approval }) })
      const after = section.querySelector('[data-passkey-after]')
      if (after !== null) after.submit()
      else location.assign(next)
    } catch (error) {
      say(wordsFor(error))
    }
  })
}

function register(section) {
  const { say } = parts(section)
  const form = section.querySelector('[data-passkey-form]')
  form.hidden = false
  say('')
  // A password manager then offers none that was removed here, where the browser knows how to tell it.
  for (const accepted of JSON.parse(section.dataset.accepted))
    PublicKeyCredential.signalAllAcceptedCredentials?.(accepted).catch(() => {})
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    say('')
    try {
      const optionsJSON = await post('/security/passkeys/options')
      const response = await startRegistration({ optionsJSON })
      await post('/security/passkeys', { response, name: form.elements.name.value })
      location.reload()
    } catch (error) {
      if (error instanceof Refused && error.acr !== undefined) {
        const query = new URLSearchParams({ acr: error.acr, max_age: String(error.maxAge / 1000), returnTo: '/security' })
        location.assign(`/step-up?${query}`)
      } else say(wordsFor(error))
    }
  })
}

function parts(element) {
  const words = element.querySelector('[data-passkey-words]')
  const say = (text) => {
    words.textContent = text
    words.hidden = text === ''
  }
  return { button: element.querySelector('[data-passkey-button]'), say }
}

/** What the shop said no to, in its own words. */
class Refused extends Error {
  constructor({ error, acr, maxAge }) {
    super(error)
    this.acr = acr
    this.maxAge = maxAge
  }
}

async function post(path, body = {}) {
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
  const answer = await response.json()
  if (!response.ok) throw new Refused(answer)
  return answer
}

function isAborted(error) {
  return error.code === 'ERROR_CEREMONY_ABORTED'
}

function wordsFor(error) {
  if (error instanceof Refused) return error.message
  if (error.name === 'InvalidStateError') return 'This device has a passkey for you already.'
  if (error.name === 'NotAllowedError' || isAborted(error)) return 'Nothing was done: it was called off, or took too long.'
  return 'Your browser could not do that just now.'
}
