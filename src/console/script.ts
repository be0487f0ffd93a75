/**
 * The one script of the console, as text; every page works without it. It listens to the live stream: counters are refreshed from the page itself, which the server drew, so that no
 * markup is made here, and what others do is told in words that the server chose.
 */
export const SCRIPT = `
const body = document.body
const base = body.dataset.base
const state = document.querySelector('[data-live-state]')
const say = (text, isOn) => {
  if (!state) return
  state.hidden = false
  state.textContent = text
  state.toggleAttribute('data-on', isOn)
}
let isStale = false
let isBusy = false
const redraw = async () => {
  if (isBusy || document.hidden) { isStale = true; return }
  isBusy = true
  isStale = false
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'error' })
    if (!answer.ok) return
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    for (const old of document.querySelectorAll('[data-refresh]')) {
      const next = fresh.querySelector('[data-refresh="' + old.dataset.refresh + '"]')
      if (next && !old.contains(document.activeElement)) old.replaceWith(document.importNode(next, true))
    }
  } catch {} finally { setTimeout(() => { isBusy = false; if (isStale) redraw() }, 2000) }
}
const toast = (text) => {
  const toasts = document.querySelector('.toasts')
  if (!toasts) return
  const item = document.createElement('p')
  item.className = 'toast'
  item.textContent = text
  toasts.append(item)
  while (toasts.childElementCount > 3) toasts.firstElementChild.remove()
  setTimeout(() => item.remove(), 8000)
}
const source = new EventSource(base + '/live')
source.addEventListener('open', () => say('Live', true))
source.addEventListener('change', () => { if (document.querySelector('[data-refresh]')) redraw() })
source.addEventListener('told', (event) => toast(JSON.parse(event.data).text))
source.addEventListener('end', () => { source.close(); say('Live updates have ended. Reload the page to go on.', false) })
source.addEventListener('error', () => say(source.readyState === 2 ? 'Live updates have ended. Reload the page to go on.' : 'Connecting again', false))
document.addEventListener('visibilitychange', () => { if (!document.hidden && isStale) redraw() })
`
