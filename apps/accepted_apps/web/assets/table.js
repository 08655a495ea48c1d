// A table of any length: only the rows in sight are in the page, so that ten thousand scroll and sort at once.
//
// All rows are of one height, which the first of them tells; what does not fit a cell is cut off, and is its title.
import { make } from "./dom.js"

/** Rows beyond the edges that are drawn, too. */
const MARGIN = 12

const collator = new Intl.Collator([], { numeric: true, sensitivity: "base" })

export class Table {
  /**
   * `columns`: `{name, title, says?, value, cell?, number?}`. `value(row)` is what is sorted by, and shown; undefined is unknown, and
   * stands last either way. `cell(row)`: a text or a node that is shown instead. `says`: what the title means. `sort`: a column's name.
   * `none()`: what is said where there is no row.
   */
  constructor(place, { label, columns, sort, none }) {
    Object.assign(this, { columns, none, rows: [], order: [], drawn: new Map(), height: 0, due: 0 })
    this.box = make("div", "window")
    for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", label]]) this.box.setAttribute(name, value)
    this.table = make("table")
    this.table.setAttribute("aria-label", label)
    this.body = make("tbody")
    this.heads = new Map(columns.map(column => [column.name, this.head(column)]))
    const [widths, head, names] = [make("colgroup"), make("thead"), make("tr")]
    widths.append(...columns.map(column => make("col", column.name)))
    names.append(...this.heads.values())
    head.append(names)
    this.gaps = [0, 1].map(() => gap(columns.length))
    this.empty = make("p", "empty")
    this.table.append(widths, head, this.body)
    this.box.append(this.table, this.empty)
    place.replaceChildren(this.box)
    this.box.addEventListener("scroll", () => { this.due ||= requestAnimationFrame(() => this.draw()) })
    new ResizeObserver(() => this.draw()).observe(this.box)
    this.sortBy(columns.find(column => column.name === sort))
  }

  head(column) {
    const node = make("th", column.number ? "number" : "")
    node.scope = "col"
    const sort = make("button", "sort", column.title)
    sort.type = "button"
    if (column.says) sort.title = column.says
    sort.addEventListener("click", () => this.sortBy(column, column === this.column ? !this.falling : Boolean(column.number)))
    node.append(sort)
    return node
  }

  /** Other rows, from the first. */
  show(rows) {
    this.rows = rows
    this.arrange()
  }

  sortBy(column, falling = Boolean(column.number)) {
    Object.assign(this, { column, falling })
    for (const [name, node] of this.heads) name === column.name ? node.setAttribute("aria-sort", falling ? "descending" : "ascending") : node.removeAttribute("aria-sort")
    this.arrange()
  }

  arrange() {
    const { value } = this.column
    const known = this.rows.filter(row => value(row) !== undefined)
    const compare = known.some(row => typeof value(row) === "string") ? collator.compare : (one, other) => one - other
    const way = this.falling ? -1 : 1
    known.sort((one, other) => way * compare(value(one), value(other)))
    this.order = [...known, ...this.rows.filter(row => value(row) === undefined)]
    this.table.setAttribute("aria-rowcount", String(this.order.length + 1))
    this.empty.hidden = Boolean(this.order.length)
    this.empty.textContent = this.order.length ? "" : this.none()
    this.drawn.clear()
    this.body.replaceChildren(...this.gaps)
    this.box.scrollTop = 0
    this.draw()
  }

  draw() {
    cancelAnimationFrame(this.due)
    this.due = 0
    // Nothing can be measured while it is hidden; it is drawn when it is shown.
    if (!this.box.clientHeight) return
    if (!this.height && this.order.length) this.height = this.measured()
    const top = Math.max(0, Math.floor(this.box.scrollTop / this.height) - MARGIN) || 0
    const end = Math.min(this.order.length, top + Math.ceil(this.box.clientHeight / this.height) + 2 * MARGIN) || 0
    for (const [place, node] of this.drawn) {
      if (place >= top && place < end) continue
      node.remove()
      this.drawn.delete(place)
    }
    let before = this.gaps[0]
    for (let place = top; place < end; place++) {
      const node = this.drawn.get(place) ?? this.row(place)
      if (before.nextSibling !== node) before.after(node)
      this.drawn.set(place, before = node)
    }
    this.gaps[0].style.height = `${top * this.height}px`
    this.gaps[1].style.height = `${(this.order.length - end) * this.height}px`
  }

  measured() {
    const first = this.row(0)
    this.gaps[0].after(first)
    const { height } = first.getBoundingClientRect()
    first.remove()
    return height
  }

  row(place) {
    const node = make("tr")
    node.setAttribute("aria-rowindex", String(place + 2))
    node.append(...this.columns.map((column, number) => cell(column, this.order[place], number === 0)))
    return node
  }
}

function cell(column, row, first) {
  const value = (column.cell ?? column.value)(row)
  const node = make(first ? "th" : "td", column.number ? "number" : "")
  if (first) node.scope = "row"
  if (value instanceof Node) node.append(value)
  else node.textContent = shown(value)
  node.title = node.textContent
  return node
}

function shown(value) {
  if (value === undefined || value === "") return "–"
  return typeof value === "number" ? value.toLocaleString() : value
}

function gap(columns) {
  const node = make("tr", "gap")
  node.setAttribute("aria-hidden", "true")
  node.append(Object.assign(make("td"), { colSpan: columns }))
  return node
}
