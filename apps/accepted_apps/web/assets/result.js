// The result: the page redrawn from its elements, the list of them, and the one that is looked at.
//
// Nothing of the foreign page is rendered here: no HTML, no addresses, only the texts, as text.
import { at, copying, make } from "./dom.js"

const ZONES = new Map([["header", "aside"], ["nav", "aside"], ["footer", "aside"]])
const GROUPS = new Set(["article", "li", "figure", "tr"])

let elements = []
let nodes = new Map()
let pinned = null

export function drawResult(page) {
  elements = page.elements
  nodes = new Map(elements.map(one => [one.id, []]))
  pinned = null
  at("result").hidden = false
  at("result-title").textContent = page.title || "Untitled page"
  const { tier_used: tier, tier_name: name } = page.tier_info
  at("result-sub").textContent = `${elements.length} elements · brought by tier ${tier} (${name}) · ${page.url}`
  at("paper").replaceChildren(...paper())
  at("filter").value = ""
  drawList()
  show(null)
  at("paper").scrollTop = 0
}

export function hideResult() {
  at("result").hidden = true
}

export function wireResult() {
  at("filter").addEventListener("input", drawList)
  document.addEventListener("keydown", event => { if (event.key === "Escape" && pinned) unpin() })
  for (const pane of [at("paper"), at("list")]) {
    pane.addEventListener("click", event => pick(idOf(event)))
    pane.addEventListener("mouseover", event => warm(idOf(event)))
    pane.addEventListener("focusin", event => warm(idOf(event)))
    pane.addEventListener("mouseleave", () => warm(null))
    pane.addEventListener("keydown", move)
  }
}

const idOf = event => event.target.closest(".el")?.dataset.id ?? null

/** Pin an element, or let it go when it is pinned already. */
function pick(id) {
  if (id === null) return
  for (const node of nodes.get(pinned) ?? []) node.setAttribute("aria-pressed", "false")
  pinned = pinned === id ? null : id
  for (const node of nodes.get(pinned) ?? []) {
    node.setAttribute("aria-pressed", "true")
    reveal(node)
  }
  show(pinned ?? id)
}

function unpin() {
  pick(pinned)
  show(null)
}

/** In the other pane, and without moving the page itself. */
function reveal(node) {
  const pane = node.closest("#paper, #list")
  if (!pane || node === document.activeElement) return
  const [box, frame] = [node.getBoundingClientRect(), pane.getBoundingClientRect()]
  if (box.top < frame.top || box.bottom > frame.bottom) pane.scrollTop += box.top - frame.top - frame.height / 3
}

function warm(id) {
  for (const node of document.querySelectorAll(".el.hot")) node.classList.remove("hot")
  for (const node of nodes.get(id) ?? []) node.classList.add("hot")
  show(id ?? pinned)
}

function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!step || !event.target.classList.contains("el")) return
  const all = [...event.currentTarget.querySelectorAll(".el")]
  const next = all[all.indexOf(event.target) + step]
  if (next) {
    event.preventDefault()
    next.focus()
  }
}

// ── the element that is looked at ──

function show(id) {
  at("detail").classList.toggle("pinned", pinned !== null)
  const element = elements.find(one => one.id === id)
  if (!element) {
    at("detail").replaceChildren(make("p", "muted", "Point at an element to see its selectors, click it to keep them here. Arrow keys move from one to the next."))
    return
  }
  const what = make("div", "what")
  what.append(make("strong", "", element.type.replace("_", " ")), make("span", "mono muted", element.path.split(" > ").slice(-3).join(" › ")))
  const close = make("button", "close", "Close")
  close.type = "button"
  close.addEventListener("click", unpin)
  what.append(close)
  at("detail").replaceChildren(what, make("blockquote", "", element.text), selector("CSS", element.css), selector("XPath", element.xpath))
}

function selector(name, value) {
  const row = make("div", "selector")
  const code = make("code", "", value)
  code.dataset.kind = name.toLowerCase()
  code.tabIndex = 0
  row.append(make("span", "", name), code, copying(() => value, code, `Copy ${name}`))
  return row
}

// ── the list ──

function drawList() {
  const wanted = at("filter").value.trim().toLowerCase()
  const rows = elements.filter(one => !wanted || `${one.type.replace("_", " ")} ${one.text}`.toLowerCase().includes(wanted))
  for (const [id, known] of nodes) nodes.set(id, known.filter(node => node.closest("#paper")))
  at("list").replaceChildren(...rows.map(element => {
    const row = make("li")
    const node = button(element, "el")
    node.append(make("span", "", element.type.replace("_", " ")), make("span", "", element.text))
    row.append(node)
    return row
  }))
  if (!rows.length) at("list").append(make("li", "empty", elements.length ? "Nothing fits the filter." : "This page has no elements that carry data."))
}

// ── the page, redrawn ──

function paper() {
  if (!elements.length) return [make("p", "empty", "This page has no elements that carry data.")]
  const repeated = repeatedGroups()
  const zones = []
  let group = null
  for (const element of elements) {
    const tags = element.path.split(" > ")
    const kind = tags.map(tag => ZONES.get(tag)).find(Boolean) ?? ""
    let zone = zones.at(-1)
    if (!zone || zone.dataset.kind !== kind) {
      zone = make("div", `zone ${kind}`)
      zone.dataset.kind = kind
      zones.push(zone)
      group = null
    }
    group = kind ? null : groupOf(element, tags, group, zone, repeated)
    const node = button(element, `el ${element.type} ${tags.at(-1)}`)
    node.textContent = element.type === "image" ? `Image: ${element.text}` : element.text
    ;(group?.node ?? zone).append(node)
  }
  return zones
}

/** Table rows, and kinds of card or list item that the page has several of, with more than one element each. */
function repeatedGroups() {
  const places = new Map()
  const sizes = new Map()
  for (const element of elements) {
    const tags = element.path.split(" > ")
    for (const [depth, tag] of tags.slice(0, -1).entries()) {
      if (!GROUPS.has(tag)) continue
      const stem = stemOf(tags, depth)
      const place = placeOf(element.xpath, tag)
      sizes.set(stem, (sizes.get(stem) ?? 0) + 1)
      if (!places.has(stem)) places.set(stem, new Set())
      if (place) places.get(stem).add(place)
    }
  }
  return new Set([...sizes.keys()].filter(stem => {
    const count = places.get(stem).size
    return stem.endsWith(" tr") || (count > 1 && sizes.get(stem) >= 1.5 * count)
  }))
}

/** The group that an element belongs to; its XPath says which one of its kind, where it says a place at all. */
function groupOf(element, tags, last, zone, repeated) {
  const depth = tags.findLastIndex((tag, at) => GROUPS.has(tag) && repeated.has(stemOf(tags, at)))
  if (depth < 0 || depth === tags.length - 1) return null
  const stem = stemOf(tags, depth)
  const place = placeOf(element.xpath, tags[depth])
  if (last && last.stem === stem && (place === null || last.place === null || last.place === place)) {
    last.place ??= place
    return last
  }
  const row = tags[depth] === "tr"
  let around = zone.lastElementChild
  if (around?.dataset.stem !== stem) {
    around = make("div", row ? "rows" : "cards")
    around.dataset.stem = stem
    zone.append(around)
  }
  const node = make("div", row ? "row" : "card")
  around.append(node)
  return { stem, place, node }
}

const stemOf = (tags, depth) => tags.slice(0, depth + 1).join(" > ")

function placeOf(xpath, tag) {
  const end = xpath.lastIndexOf(`/${tag}[`)
  return end < 0 ? null : xpath.slice(0, xpath.indexOf("]", end) + 1)
}

function button(element, className) {
  const node = make("button", className)
  node.type = "button"
  node.dataset.id = element.id
  node.setAttribute("aria-pressed", String(element.id === pinned))
  nodes.get(element.id).push(node)
  return node
}
