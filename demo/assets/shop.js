// Optional: the shop works without it. Counts down what is left of a visit, offers to stay before it runs out, and never leaves
// private words on the screen of a visit that has ended.

const warning = document.querySelector('.warning')
if (warning !== null) watchTime(warning)

// A page from the back-forward cache may belong to a visit that has ended since: ask for it anew.
addEventListener('pageshow', (event) => {
  if (event.persisted && 'personal' in document.body.dataset) location.reload()
})

const protections = document.querySelector('[data-protections]')
if (protections !== null) watchProtections(protections)

// Asks again what protects the visit, and changes the words that are there: no markup comes from an answer.
function watchProtections(list) {
  const changes = document.querySelector('[data-changes]')

  async function look() {
    if (document.hidden) return
    try {
      const response = await fetch(list.dataset.protections, { headers: { accept: 'application/json' } })
      if (!response.ok) return location.reload()
      const { protections } = await response.json()
      for (const { key, title, strength, headline, facts } of protections) {
        const item = list.querySelector(`[data-protection="${key}"]`)
        const shown = item.querySelector('[data-headline]')
        if (shown.textContent !== headline) changes.textContent = `${title}: ${headline}`
        shown.textContent = headline
        item.dataset.strength = strength
        for (const [term, value] of facts) {
          const place = item.querySelector(`[data-fact="${term}"]`)
          if (place === null) return location.reload()
          place.textContent = value
        }
      }
    } catch {
      // Away for a moment; the next look may find it.
    }
  }

  setInterval(look, 2000)
}

function watchTime(warning) {
  const { session } = warning.dataset
  const isFinal = 'final' in warning.dataset
  const warnBefore = Number(warning.dataset.warn)
  const words = warning.querySelector('[data-warning-words]')
  const clock = warning.querySelector('[data-clock]')
  const shown = document.querySelectorAll('[data-time-left]')
  let deadline = Date.now() + Number(warning.dataset.left)

  // What is done in one tab keeps the others alive; they tell each other.
  const tabs = new BroadcastChannel('time-left')
  tabs.onmessage = ({ data }) => {
    if (data.session === session && data.deadline > deadline) deadline = data.deadline
  }
  tabs.postMessage({ session, deadline })

  for (const form of document.querySelectorAll('[data-stay]')) {
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      try {
        const response = await fetch(form.action, { method: 'POST', headers: { accept: 'application/json' } })
        if (!response.ok) return form.submit()
        const { idleDeadline, absoluteDeadline } = await response.json()
        // Of the server's clock only differences count: this computer's may be wrong.
        const serverNow = Date.parse(response.headers.get('date') ?? '')
        deadline = Date.now() + Math.min(idleDeadline, absoluteDeadline) - serverNow - 1000
        tabs.postMessage({ session, deadline })
        const hadFocus = warning.contains(document.activeElement)
        tick()
        if (hadFocus) document.querySelector('main').focus({ preventScroll: true })
      } catch {
        form.submit()
      }
    })
  }

  function tick() {
    const left = deadline - Date.now()
    // One second more than the server gives: it may end a visit early, never late.
    if (left < -1000) return location.replace(location.pathname)
    for (const place of shown) place.textContent = inWords(left)
    const isShort = left <= warnBefore
    if (isShort && warning.hidden) {
      warning.hidden = false
      // Said once, when it appears; the clock beside it is not read out every second.
      words.textContent = isFinal
        ? `This visit ends in ${inWords(left)}, whatever you do. Finish what you are at.`
        : `Are you still there? This visit ends in ${inWords(left)}.`
    }
    if (!isShort) warning.hidden = true
    if (!warning.hidden) clock.textContent = inDigits(left)
  }

  tick()
  setInterval(tick, 1000)
  document.addEventListener('visibilitychange', tick)
}

// The same words as the server's (words.ts).
function inWords(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return counted(seconds, 'second')
  const minutes = Math.floor((seconds + 5) / 60)
  if (minutes < 60) return counted(minutes, 'minute')
  return `${counted(Math.floor(minutes / 60), 'hour')}${minutes % 60 === 0 ? '' : ` ${counted(minutes % 60, 'minute')}`}`
}

function counted(amount, unit) {
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}

function inDigits(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
