// With --opaque: the password is worked with here, and never sent (RFC 9807). Until this has loaded the fields are shut, so that no form sends it either.
import { client, ready } from '/assets/opaque-library.js'

/** As the server has it for passwords that it sees: a password alone is as good as it is long. */
const SHORTEST = 15

for (const form of document.querySelectorAll('[data-opaque]')) {
  const fields = form.querySelector('fieldset')
  const words = form.querySelector('[data-opaque-words]')
  const work = form.dataset.opaque === 'sign-in' ? signIn : signUp
  ready.then(() => {
    fields.disabled = false
  })
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const username = form.elements.username.value
    const password = form.querySelector('[type=password]').value.normalize('NFKC')
    fields.disabled = true
    say(words, 'One moment: your browser is proving your password without sending it.')
    // The work stops the page for about a second; the words come first.
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    try {
      const { mfa } = await work(form, username, password)
      const { next } = form.dataset
      location.assign(mfa === 'due' ? `/step-up?${new URLSearchParams({ returnTo: next })}` : next)
    } catch (error) {
      say(words, error instanceof Refused ? error.message : 'That did not work just now. Please try again.', true)
      fields.disabled = false
      form.querySelector('[type=password]').focus()
    }
  })
}

async function signIn(form, username, password) {
  const { clientLoginState, startLoginRequest } = client.startLogin({ password })
  const { ticket, loginResponse } = await post('/login/opaque/start', { username, startLoginRequest })
  const proof = client.finishLogin({ clientLoginState, loginResponse, password })
  // Whoever has the wrong password learns it here, from the answer that did not open.
  if (proof === undefined) throw new Refused('This name and this password do not belong together.')
  const { finishLoginRequest } = proof
  return post('/login/opaque/finish', { ticket, finishLoginRequest, remember: form.elements.remember.checked })
}

async function signUp(_form, username, password) {
  if ([...password].length < SHORTEST)
    throw new Refused(`Use at least ${SHORTEST} characters; four words that do not belong together do well.`)
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password })
  const { ticket, registrationResponse } = await post('/signup/opaque/start', { username, registrationRequest })
  const { registrationRecord } = client.finishRegistration({ clientRegistrationState, registrationResponse, password })
  return post('/signup/opaque/finish', { username, ticket, registrationRecord })
}

/** What was refused, in words for the visitor. */
class Refused extends Error {}

async function post(path, body) {
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
  const answer = await response.json()
  if (!response.ok) throw new Refused(answer.error)
  return answer
}

function say(place, text, isProblem = false) {
  place.textContent = text
  place.className = isProblem ? 'field-problem' : 'hint'
  place.hidden = false
}
