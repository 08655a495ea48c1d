// Small parts of every page. Whatever comes from outside is put in as text, never as HTML.

export const at = id => document.getElementById(id)

export function make(tag, className, text) {
  const node = document.createElement(tag)
  if (className) node.className = className
  if (text !== undefined) node.textContent = text
  return node
}

/** A button that does `act`. Without a text of its own for those who hear the page, `text` is it. */
export function button(text, act, { className = "", label } = {}) {
  const node = make("button", className, text)
  node.type = "button"
  if (label) node.setAttribute("aria-label", label)
  node.addEventListener("click", act)
  return node
}

/** A button that copies what `text()` gives. Where a page may not write to the clipboard, `shown` is selected, so that Ctrl-C does. */
export function copying(text, shown, label) {
  const node = button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(text())
      node.textContent = "Copied"
    } catch {
      // Not every browser lets a page on plain HTTP do so.
      getSelection().selectAllChildren(shown)
      node.textContent = "Selected"
    }
    setTimeout(() => { node.textContent = "Copy" }, 1500)
  }, { className: "copy", label })
  return node
}

/** Entries of a list that may have thousands: `draw(item)` makes each, so many at once as a person asks for more of. */
export function inParts(list, items, draw, atOnce = 50) {
  const add = from => {
    list.append(...items.slice(from, from + atOnce).map(draw))
    const left = items.length - from - atOnce
    if (left <= 0) return
    const row = make("li")
    row.append(button(`Show ${Math.min(left, atOnce)} more of ${left.toLocaleString()}`, () => {
      const last = row.previousSibling
      row.remove()
      add(from + atOnce)
      last.nextSibling?.querySelector("summary, button, a")?.focus({ preventScroll: true })
    }, { className: "unfold" }))
    list.append(row)
  }
  list.replaceChildren()
  add(0)
}

/** The address, if a browser may be sent there; else null: `javascript:` and the like are no addresses. */
export function webAddress(text) {
  try {
    const url = new URL(text)
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null
  } catch {
    return null
  }
}

/** A link to a foreign page that learns nothing of this one; plain text where the address is none. */
export function link(text, address, className) {
  const safe = webAddress(address)
  const node = make(safe ? "a" : "span", className, text)
  if (safe) Object.assign(node, { href: safe, target: "_blank", rel: "noopener noreferrer", referrerPolicy: "no-referrer" })
  return node
}

/** A file that the browser saves. `content`: a text or a Blob. */
export function save(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }))
  Object.assign(make("a"), { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

export const money = amount => amount === 0 ? "$0" : `$${amount.toFixed(4).replace(/0+$/, "").replace(/\.$/, "")}`
export const capital = text => text.charAt(0).toUpperCase() + text.slice(1)
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString()} ${number === 1 ? one : many}`
export const when = time => new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })
export const day = time => new Date(time).toLocaleDateString([], { dateStyle: "medium" })

/** A number of bytes as a person reads it. */
export function size(bytes) {
  if (bytes < 1024) return count(bytes, "byte")
  const [number, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KB"] : [bytes / 1024 ** 2, "MB"]
  return `${number.toLocaleString([], { maximumFractionDigits: number < 10 ? 1 : 0 })} ${unit}`
}

/** Seconds between two times (now, where one is missing) as a person reads them. */
export function span(from, to) {
  const seconds = Math.max(0, ((to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000)
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
