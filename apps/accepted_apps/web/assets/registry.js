// The registry of sources: tick, add, edit, remove, import, export, and see what one would find now.
import { call, problemOf, request } from "./api.js"
import { clearInvalid, invalid } from "./application.js"
import { at, button, count, link, make, save } from "./dom.js"
import { JobFollower } from "./follow.js"
import { lookJob, resultOf } from "./jobs.js"

const PLACE = "api/news-sources"
const METHODS = [["feed", "a feed (RSS, Atom, JSON)"], ["homepage", "a page with links"], ["mcp", "a tool of an MCP server"]]

const FIELDS = [
  { name: "name", label: "Name" },
  { name: "category", label: "Category" },
  { name: "url", label: "Address", wide: true },
  { name: "method", label: "It is", options: METHODS },
  { name: "linkFilter", label: "Links that count: a selector, or a part of the address", of: "homepage", wide: true },
  { name: "tool", label: "Tool", of: "mcp" },
  { name: "arguments", label: "Arguments of the tool, as JSON", of: "mcp", wide: true },
]

export class Registry {
  /** `ticked(ids)` and `changed()` are told when those have changed; `trouble(error)` gets what belongs to no field. */
  constructor({ ticked, changed, trouble }) {
    Object.assign(this, { tell: ticked, changed, trouble, sources: [], chosen: new Set(), form: null, follower: null })
    at("add").addEventListener("click", () => this.edit(null, at("new-source")))
    at("opml").addEventListener("change", () => this.import())
    at("export").addEventListener("click", () => this.export())
    at("all").addEventListener("change", () => this.tick(at("all").checked ? this.sources.map(one => one.id) : []))
  }

  async load() {
    this.sources = await call("GET", PLACE)
    this.draw()
    this.changed()
  }

  /** The name of a source that stands in a job by its id, name or URL. */
  nameOf(named) {
    return this.sources.find(one => [one.id, one.name, one.url].includes(named))?.name ?? named
  }

  ticked() {
    return this.sources.map(one => one.id).filter(id => this.chosen.has(id))
  }

  /** Tick these, by id, name or URL, and no others. */
  tick(names) {
    const wanted = new Set(names)
    this.chosen = new Set(this.sources.filter(one => wanted.has(one.id) || wanted.has(one.name) || wanted.has(one.url)).map(one => one.id))
    for (const box of at("sources").querySelectorAll("input[type=checkbox]")) box.checked = this.chosen.has(box.value)
    this.tellTicked()
  }

  tellTicked() {
    const ticked = this.ticked()
    at("all").checked = ticked.length > 0 && ticked.length === this.sources.length
    at("all").indeterminate = ticked.length > 0 && ticked.length < this.sources.length
    this.tell(ticked)
  }

  draw() {
    this.form = null
    at("new-source").replaceChildren()
    at("sources").replaceChildren(...this.sources.map(source => this.row(source)))
    if (!this.sources.length) at("sources").append(make("li", "empty", "No sources yet. Add one, or import the OPML file of a feed reader."))
    at("all-text").textContent = `All ${count(this.sources.length, "source")}`
    at("all").closest("p").hidden = this.sources.length < 2
    at("export").disabled = !this.sources.length
    this.tellTicked()
  }

  row(source) {
    const node = make("li", "source")
    const box = Object.assign(make("input"), { type: "checkbox", id: `tick-${source.id}`, value: source.id, checked: this.chosen.has(source.id) })
    box.addEventListener("change", () => {
      box.checked ? this.chosen.add(source.id) : this.chosen.delete(source.id)
      this.tellTicked()
    })
    // An icon may be an address, too; nothing is loaded from there.
    const icon = source.icon && !source.icon.includes("://") ? `${source.icon} ` : ""
    const name = make("label", "name", icon + source.name)
    name.htmlFor = box.id
    const what = make("p", "muted what")
    what.append(make("span", "", [source.category, source.method, source.shared && "everybody’s"].filter(Boolean).join(" · ")), link(source.url, source.url, "address"))
    const tools = make("div", "tools")
    const under = make("div", "under")
    const tool = (text, act) => tools.append(button(text, act, { label: `${text} ${source.name}` }))
    tool("Check", () => this.check(source, under))
    // One of everybody's becomes one's own by a change.
    tool("Edit", () => this.edit(source, under))
    if (!source.shared) tool("Remove", () => this.remove(source, under))
    node.append(box, name, tools, what, under)
    return node
  }

  // ── change ──

  edit(source, place) {
    this.form?.remove()
    clearInvalid()
    const form = this.form = make("div", "source-form")
    form.setAttribute("role", "group")
    form.setAttribute("aria-label", source ? `Edit ${source.name}` : "A new source")
    const fields = new Map(FIELDS.map(field => [field.name, this.field(field, valueOf(source, field.name))]))
    const method = fields.get("method").input
    const show = () => { for (const { name, of } of FIELDS) fields.get(name).node.hidden = Boolean(of) && of !== method.value }
    method.addEventListener("change", show)
    show()
    const send = button("Save", () => this.save(source, fields, send), { className: "primary" })
    const actions = make("div", "tools")
    actions.append(send, button("Cancel", () => form.remove()))
    form.append(...[...fields.values()].map(one => one.node), actions)
    form.addEventListener("keydown", event => {
      if (event.key === "Escape") form.remove()
      if (event.key !== "Enter" || event.target.tagName === "BUTTON") return
      // The form around it starts a job.
      event.preventDefault()
      send.click()
    })
    place.replaceChildren(form)
    fields.get("name").input.focus()
  }

  field({ name, label, options, wide }, value) {
    const node = make("div", wide ? "field wide" : "field")
    const input = Object.assign(make(options ? "select" : "input"), { id: `source-${name}`, name })
    if (options) input.append(...options.map(([key, text]) => new Option(text, key)))
    else input.autocomplete = "off"
    input.value = value
    const said = Object.assign(make("p", "error"), { id: `source-${name}-error`, hidden: true })
    said.setAttribute("role", "alert")
    input.setAttribute("aria-describedby", said.id)
    node.append(Object.assign(make("label", "", label), { htmlFor: input.id }), input, said)
    return { node, input }
  }

  async save(source, fields, send) {
    clearInvalid()
    const given = name => fields.get(name).input.value.trim()
    const body = { name: given("name"), url: given("url"), method: given("method"), category: given("category") }
    if (source?.icon) body.icon = source.icon
    if (body.method === "homepage") body.selectors = { linkFilter: given("linkFilter") }
    if (body.method === "mcp") {
      body.tool = given("tool")
      try {
        body.arguments = JSON.parse(given("arguments") || "{}")
      } catch {
        return invalid("arguments", new Error('Write the arguments as JSON, such as {"limit": 10}.'))
      }
    }
    send.disabled = true
    try {
      await (source ? call("PUT", `${PLACE}/${encodeURIComponent(source.id)}`, body) : call("POST", PLACE, body))
      await this.load()
      this.note(source ? `${body.name} is changed.` : `${body.name} is added.`)
    } catch (error) {
      send.disabled = false
      if (!(error.field && invalid(error.field.split(/[./]/).pop(), error))) this.trouble(error)
    }
  }

  /** Asked once more in place, for it cannot be taken back. */
  remove(source, under) {
    const sure = make("p", "sure")
    const yes = button("Remove it", async () => {
      try {
        await call("DELETE", `${PLACE}/${encodeURIComponent(source.id)}`)
        this.chosen.delete(source.id)
        await this.load()
        this.note(`${source.name} is removed. Its saved articles stay.`)
      } catch (error) {
        this.trouble(error)
      }
    })
    sure.append(make("span", "", `Remove ${source.name} from the registry?`), yes, button("Keep it", () => sure.remove()))
    under.replaceChildren(sure)
    yes.focus()
  }

  // ── files ──

  async import() {
    const [file] = at("opml").files
    if (!file) return
    try {
      const answer = await request("POST", `${PLACE}/import`, { body: file, headers: { "Content-Type": "text/x-opml" } })
      if (!answer.ok) throw await problemOf(answer)
      const { added, skipped } = await answer.json()
      await this.load()
      this.note([`${count(added.length, "source")} added.`, ...skipped.map(one => `${one.name || one.url}: ${one.reason}`)].join(" "))
    } catch (error) {
      this.note(error.message, true)
    } finally {
      at("opml").value = ""
    }
  }

  async export() {
    try {
      const answer = await request("GET", `${PLACE}/export`)
      if (!answer.ok) throw await problemOf(answer)
      save("sources.opml", await answer.text(), "text/x-opml")
    } catch (error) {
      this.trouble(error)
    }
  }

  note(text, bad = false) {
    at("registry-note").hidden = false
    at("registry-note").textContent = text
    at("registry-note").classList.toggle("error", bad)
  }

  // ── what would it find now? ──

  async check(source, under) {
    this.follower?.stop()
    const box = make("div", "check")
    box.setAttribute("aria-live", "polite")
    box.append(make("p", "muted", "Looking …"))
    under.replaceChildren(box)
    try {
      const answer = await call("POST", `${PLACE}/check`, { source: source.id })
      if (answer.error) throw new Error(answer.error)
      answer.check ? this.drawCheck(answer.check, box) : await this.wait(answer.jobId, box)
    } catch (error) {
      this.drawTrouble(error, box)
    }
  }

  /** It takes longer: its job is followed. */
  async wait(id, box) {
    const over = async state => {
      if (state.status !== "completed") return this.drawTrouble(new Error(state.error ?? "The check was cancelled."), box)
      this.drawCheck(await resultOf(id), box)
    }
    this.follower = new JobFollower(await lookJob(id), {
      event: () => {},
      fail: error => this.drawTrouble(error, box),
      tell: state => this.follower.over ? over(state).catch(error => this.drawTrouble(error, box)) : box.replaceChildren(make("p", "muted", state.message || "Looking …")),
    })
  }

  drawTrouble(error, box) {
    box.replaceChildren(make("p", "error", error.message))
  }

  drawCheck({ links, notes = [] }, box) {
    const list = make("ol", "found")
    list.append(...links.map(one => {
      const row = make("li")
      row.append(link(one.title || one.url, one.url))
      return row
    }))
    const close = button("Close", () => box.remove(), { className: "unfold" })
    box.replaceChildren(make("p", "", `It would find ${count(links.length, "article")} now.`), ...notes.map(one => make("p", "muted", one)), list, close)
  }
}

function valueOf(source, name) {
  if (name === "method") return source?.method ?? "feed"
  if (name === "linkFilter") return source?.selectors?.linkFilter ?? ""
  if (name === "arguments") return Object.keys(source?.arguments ?? {}).length ? JSON.stringify(source.arguments) : ""
  return source?.[name] ?? ""
}
