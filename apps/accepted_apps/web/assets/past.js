// The caller's earlier jobs: a list that grows, each entry opens one.
import { at, make, money, when } from "./dom.js"

export class Past {
  /** `load(cursor)` answers `{rows: [{id, status, about, cost, at}], cursor}`; `open(id)` shows one. */
  constructor(load, open) {
    Object.assign(this, { load, open, cursor: null })
    at("more").addEventListener("click", () => this.draw(this.cursor))
  }

  async draw(after = null) {
    const page = await this.load(after).catch(() => null)
    if (!page) return
    this.cursor = page.cursor
    const rows = page.rows.map(row => this.row(row))
    after ? at("past").append(...rows) : at("past").replaceChildren(...rows)
    at("history").hidden = !at("past").children.length
    at("more").hidden = !this.cursor
  }

  row({ id, status, about, cost, at: time }) {
    const node = make("button")
    node.type = "button"
    node.append(make("span", `state ${status}`, status), make("span", "where", about), make("span", "cost", cost ? money(cost) : ""), make("span", "when", when(time)))
    node.addEventListener("click", () => {
      this.open(id)
      scrollTo({ top: 0 })
    })
    const row = make("li")
    row.append(node)
    return row
  }
}
