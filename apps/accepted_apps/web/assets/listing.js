// The present listing beside the optimised one: what each covers, how long its parts are against the limits, and to copy.
import { at, copying, count, make } from "./dom.js"

const encoder = new TextEncoder()
const bytes = text => encoder.encode(text).length
const percent = (part, whole) => whole ? 100 * part / whole : 0

export function drawListing({ seo_analysis: { analysis: { current_seo: now, optimized_seo: next, comparison } }, listing }) {
  const parts = partsOf(now, next, comparison.character_efficiency)
  at("coverage").replaceChildren(coverage(now, comparison, listing.read))
  // Of a page that could not be read there is nothing to stand beside.
  at("listing").classList.toggle("alone", !listing.read)
  at("listing").replaceChildren(...(listing.read ? [version("Now"), version("Optimised")] : []), ...parts.flatMap(part => listing.read ? [before(part), after(part)] : [after(part)]))
  for (const one of next.objections) at("listing").append(make("p", "caution", one))
  const whole = parts.map(part => part.next?.text).filter(Boolean).join("\n")
  const copy = copying(() => whole, at("listing"), "Copy the optimised listing")
  at("listing-tools").replaceChildren(copy)
}

// ── what is covered ──

function coverage(now, { coverage_improvement: keywords, volume_improvement: volume }, read) {
  const { total_keywords: all, before_covered, after_covered, before_indexed_pct, after_indexed_pct } = keywords
  const of = part => `${part.toLocaleString()} of ${count(all, "keyword")}`
  const share = number => `${number.toLocaleString([], { maximumFractionDigits: 1 })} %`
  const rows = [
    ["Keywords that stand in it as a phrase", [of(before_covered), percent(before_covered, all)], [of(after_covered), percent(after_covered, all)]],
    ["Keywords whose words are all in it", [share(before_indexed_pct), before_indexed_pct], [share(after_indexed_pct), after_indexed_pct]],
    ["Searches a month for the phrases", ...["estimated_volume_before", "estimated_volume_after"].map(name => [volume[name].toLocaleString(), percent(volume[name], volume.total_volume)])],
  ]
  const table = make("table", "coverage")
  table.append(line("th", "", "Now", "Optimised"), ...rows.map(([name, before, after]) => {
    const node = line("td", name)
    node.append(cell(...(read ? before : ["not known", 0]), "now"), cell(...after, "next"))
    return node
  }))
  return table
}

function line(tag, name, ...cells) {
  const node = make("tr")
  const title = make(name ? "th" : "td", "", name)
  if (name) title.scope = "row"
  node.append(title, ...cells.map(text => Object.assign(make(tag, "", text), tag === "th" ? { scope: "col" } : {})))
  return node
}

function cell(text, share, className) {
  const node = make("td")
  node.append(make("span", "", text), gauge(share, className))
  return node
}

/** A bar that is `share` percent full; its number stands beside it. */
function gauge(share, className) {
  const [node, fill] = [make("div", `gauge ${className}`), make("div")]
  fill.style.width = `${Math.min(100, share)}%`
  node.append(fill)
  return node
}

// ── its parts ──

/** `{name, now, next, limit, unit}`; `now` and `next`: `{text, keywords, volume}`, or nothing where there is no such part. */
function partsOf(now, next, { title_limit, short_title_limit, highlights_limit, bullet_limit, backend_limit }) {
  const bullets = Math.max(now.bullets_analysis_for_display.length, next.optimized_bullets.length)
  const was = one => one && { text: one.content, keywords: one.keywords_found, volume: one.total_search_volume }
  const is = one => one && { text: one.content, keywords: one.keywords_included, volume: one.total_search_volume }
  return [
    { name: "Title", now: now.title_analysis.content ? was(now.title_analysis) : null, next: is(next.optimized_title), limit: title_limit, unit: "characters" },
    ...short("Short title", next.short_title?.content === next.optimized_title.content ? null : next.short_title, short_title_limit),
    ...short("Item highlights", next.item_highlights, highlights_limit),
    ...Array.from({ length: bullets }, (_, place) => ({
      name: `Bullet ${place + 1}`, now: was(now.bullets_analysis_for_display[place]), next: is(next.optimized_bullets[place]), limit: bullet_limit, unit: "characters",
    })),
    { name: "Backend terms", now: null, next: { text: next.backend_search_terms }, limit: backend_limit, unit: "bytes", none: "No page shows them." },
  ]
}

/** A part that pages have since July 2026, in most categories; none where the whole title is short enough. */
const short = (name, made, limit) => made ? [{ name, now: null, next: { text: made.content }, limit, unit: "characters", none: "Amazon has this part since July 2026." }] : []

const version = name => make("p", "version", name)
const before = part => card(part, part.now, "now", part.none ?? "The page has none.")
const after = part => card(part, part.next, "next", "No keyword is left for it.")

function card({ name, limit, unit }, version, className, none) {
  const node = make("div", `part ${className}`)
  const top = make("div", "part-head")
  const title = make("h4", "", name)
  title.append(make("span", "hidden which", className === "now" ? ", now" : ", optimised"))
  top.append(title)
  node.append(top)
  if (!version?.text) {
    node.append(make("p", "muted", none))
    return node
  }
  const { text, keywords = null, volume = 0 } = version
  const body = make("p", "text", text)
  body.dir = "auto"
  const long = [...text].length
  const used = unit === "bytes" ? bytes(text) : long
  const sizes = unit === "bytes" ? `${used} of ${limit} bytes` : `${used}${limit ? ` of ${limit}` : ""} characters, ${bytes(text)} bytes`
  const measure = make("p", used > limit ? "measure over" : "measure", used > limit ? `${sizes}: too long` : sizes)
  top.append(measure)
  if (className === "next") top.append(copying(() => text, body, `Copy ${name}`))
  node.append(gauge(percent(used, limit), used > limit ? "over" : className), body)
  if (keywords) node.append(keywordsOf(keywords, volume))
  return node
}

function keywordsOf(keywords, volume) {
  if (!keywords.length) return make("p", "muted small", "No keyword stands in it as a phrase.")
  const box = make("details", "small")
  box.append(make("summary", "", `${count(keywords.length, "keyword")} in it${volume ? `, ${volume.toLocaleString()} searches a month` : ""}`), make("p", "muted", keywords.join(" · ")))
  return box
}
