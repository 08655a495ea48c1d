// The keywords of an analysis: a table to sort, to search, and to narrow to a category or a root.
import { at, button, make } from "./dom.js"
import { Table } from "./table.js"

/** The categories that a listing may be written with. */
const WANTED = new Set(["Relevant", "Design-Specific"])
const ALL = { category: "", root: "", words: [] }

/** What no export tells is named, and 0. */
const known = (one, name, value) => one.unknown?.includes(name) ? undefined : value

const badge = category => make("span", `badge ${WANTED.has(category) ? "wanted" : ""}`, category)

const COLUMNS = [
  { name: "phrase", title: "Keyword", value: one => one.phrase },
  { name: "volume", title: "Searches", says: "Searches a month", value: one => known(one, "search_volume", one.search_volume), number: true },
  { name: "category", title: "Category", value: one => one.category, cell: one => badge(one.category) },
  { name: "relevancy", title: "Relevancy", says: "0 to 10: how many competitors are found by it, and the words of the title", value: one => one.relevancy_score, number: true },
  { name: "intent", title: "Intent", says: "0 to 3: how near to buying this product", value: one => one.intent_score, number: true },
  { name: "root", title: "Root", value: one => one.root || undefined },
  { name: "density", title: "Density", says: "Title density: titles of the first page that carry it", value: one => one.title_density, number: true },
  { name: "cpr", title: "CPR", says: "Sales in eight days that a rank on the first page takes", value: one => one.cpr, number: true },
  { name: "rivals", title: "Competing", says: "Products that compete for it", value: one => known(one, "competing_products", one.competition.competing_products), number: true },
  { name: "variants", title: "Variants", says: "How many phrases it stands for, or which one stands for it", value: one => one.represents_variants, cell: variants },
  { name: "files", title: "In", says: "The exports that have it", value: one => one.in_files.length > 1 ? "both" : one.in_files[0] },
  { name: "why", title: "Why this category", value: one => one.reason || undefined },
  { name: "by", title: "By", says: "Who judged it", value: one => one.by },
]

function variants(one) {
  if (one.variant_of) return `of ${one.variant_of}`
  return one.represents_variants > 1 ? `stands for ${one.represents_variants}` : ""
}

export class Keywords {
  constructor() {
    Object.assign(this, { items: [], stats: {}, choice: ALL })
    this.table = new Table(at("keywords"), { label: "Keywords", columns: COLUMNS, sort: "relevancy", none: () => "No keyword fits." })
    at("find").addEventListener("input", () => this.choose({ words: at("find").value.toLowerCase().split(/\s+/).filter(Boolean) }))
  }

  show(items, stats) {
    // What is equal by the column that it is sorted by stays in this order.
    items = items.toSorted((one, other) => (other.search_volume ?? 0) - (one.search_volume ?? 0))
    Object.assign(this, { items, stats, choice: ALL })
    at("find").value = ""
    this.choose({})
  }

  ofRoot(root) {
    this.choose({ ...ALL, words: this.choice.words, root })
    at("keywords-title").scrollIntoView({ block: "start" })
  }

  choose(news) {
    this.choice = { ...this.choice, ...news }
    const { category, root, words } = this.choice
    const rows = this.items.filter(one => (!category || one.category === category) && (!root || one.root === root) && words.every(word => one.phrase.toLowerCase().includes(word)))
    this.table.show(rows)
    at("shown").textContent = rows.length === this.items.length ? "" : `${rows.length.toLocaleString()} of ${this.items.length.toLocaleString()}`
    if (!("words" in news) || "root" in news) this.drawChips()
  }

  drawChips() {
    const { category, root } = this.choice
    const known = Object.entries(this.stats).filter(([, { count }]) => count)
    const chip = (text, number, on, choice) => {
      const node = button(text, () => this.choose(choice), { className: "chip" })
      node.append(make("span", "muted", number.toLocaleString()))
      node.setAttribute("aria-pressed", String(on))
      return node
    }
    const chips = [chip("All", this.items.length, !category && !root, { category: "", root: "" })]
    chips.push(...known.map(([name, { count }]) => chip(name, count, category === name, { category: name })))
    if (root) chips.push(button(`Root: ${root} ✕`, () => this.choose({ root: "" }), { className: "chip", label: `No longer only the root ${root}` }))
    at("categories").replaceChildren(...chips)
  }
}
