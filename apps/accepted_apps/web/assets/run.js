// The section that shows one job: its state, how far it is, what it takes and costs, its steps, what it says.
import { button, count, make, money, span } from "./dom.js"
import { active } from "./jobs.js"

const KEPT = 500
const STEPS = { waiting: "waiting", running: "running", completed: "done", failed: "failed", skipped: "not reached" }
const AGAIN = new Set(["failed", "cancelled"])

export class Run {
  /**
   * `drawParts(node, state)`, where it is given, draws the job's parts in place of the list of its steps.
   * `plan(state)`: names of steps that will come, in order, as far as they are known.
   * `cancel` and `retry` are called when the person asks for it.
   */
  constructor(node, { title, drawParts = null, plan = () => [], cancel, retry }) {
    Object.assign(this, { node, drawParts, plan, state: null, rows: new Map(), noted: 0 })
    const part = (name, tag, className = "", text) => this[name] = Object.assign(make(tag, className, text), { id: name })
    const doing = (name, text, act) => this[name] = Object.assign(button(text, act), { id: name, hidden: true })

    const head = make("div", "run-head")
    head.append(Object.assign(make("h2", "", title), { id: "run-title" }), part("run-url", "p", "mono muted"),
      part("run-state", "span"), doing("cancel", "Cancel", cancel), doing("retry", "Try again", retry))
    part("bar", "div", "bar").append(part("fill", "div"))
    for (const [name, value] of [["role", "progressbar"], ["aria-label", "Progress"], ["aria-valuemin", "0"], ["aria-valuemax", "100"]]) this.bar.setAttribute(name, value)
    const line = make("p", "say")
    line.append(part("say", "span"), part("numbers", "span", "muted"))
    this.say.setAttribute("role", "status")
    const stay = part("stay", "p", "stay muted", "You can close this tab: the work goes on, and this address brings you back to it.")
    part("steps", drawParts ? "div" : "ol", drawParts ? "" : "steps").setAttribute("aria-label", "Steps")
    const summary = make("summary", "", "Messages ")
    summary.append(part("log-count", "span", "muted"))
    part("log-box", "details").append(summary, part("log", "ol", "log"))

    node.setAttribute("aria-labelledby", "run-title")
    node.replaceChildren(head, this.bar, line, stay, this.steps, this["log-box"])
    setInterval(() => { if (this.state && active(this.state)) this.tick() }, 100)
  }

  /** Another job is shown from here on. */
  clear() {
    this.rows.clear()
    this.noted = 0
    this.steps.replaceChildren()
    this.log.replaceChildren()
    this["log-count"].textContent = "(none)"
    this["log-box"].open = false
  }

  /** A line among the messages. `mark`: what stands before it, such as a percent. */
  note(text, mark = "", level = "info") {
    if (!text) return
    const row = make("li", level)
    row.append(make("span", "", mark), make("div", "", text))
    this.log.append(row)
    if (this.log.children.length > KEPT) this.log.firstChild.remove()
    this["log-count"].textContent = `(${++this.noted})`
  }

  draw(state) {
    this.state = state
    const going = active(state)
    const known = Number.isFinite(state.percent)
    this.node.hidden = false
    this.node.dataset.status = state.status
    this["run-url"].textContent = state.about ?? ""
    this["run-state"].textContent = state.cancelling && going ? "cancelling" : state.status
    this["run-state"].className = `state ${state.status}`
    known ? this.bar.setAttribute("aria-valuenow", String(Math.round(state.percent))) : this.bar.removeAttribute("aria-valuenow")
    this.bar.classList.toggle("unknown", going && !known)
    this.fill.style.width = `${state.percent ?? 0}%`
    const said = (state.status === "failed" && state.error) || state.message || ""
    if (this.say.textContent !== said) this.say.textContent = said
    this.stay.hidden = !going
    this.cancel.hidden = !going
    this.cancel.disabled = Boolean(state.cancelling)
    this.retry.hidden = !AGAIN.has(state.status)
    this.drawParts ? this.drawParts(this.steps, state) : this.drawSteps(state)
    this.tick()
  }

  /** What changes with the clock. */
  tick() {
    const { state } = this
    const { current, total, unit } = state.counts ?? {}
    const counted = total ? `${(current ?? 0).toLocaleString()} of ${count(total, unit || "part", unit || "parts")}` : null
    const spent = state.cost ? `${money(state.cost)} spent` : null
    this.numbers.textContent = [counted, span(state.submitted_at, state.finished_at), spent].filter(Boolean).join(" · ")
    for (const { step, took } of this.rows.values()) if (step.started_at) took.textContent = span(step.started_at, step.finished_at ?? state.finished_at)
  }

  drawSteps(state) {
    const begun = new Map(state.steps.map(step => [step.name, step]))
    const names = new Set([...this.plan(state), ...begun.keys()])
    for (const name of names) {
      if (!this.rows.has(name)) this.rows.set(name, this.addStep(name))
      this.drawStep(this.rows.get(name), begun.get(name), active(state))
    }
    for (const [name, row] of this.rows) {
      if (names.has(name)) continue
      row.node.remove()
      this.rows.delete(name)
    }
    // In the order of the plan, and others in that of their beginning.
    const nodes = [...names].map(name => this.rows.get(name).node)
    if (nodes.some((node, place) => this.steps.children[place] !== node)) this.steps.replaceChildren(...nodes)
  }

  addStep(name) {
    const [node, mark, took] = [make("li", "step"), make("span", "hidden"), make("span", "took muted")]
    node.append(mark, make("span", "name", name), took)
    return { node, mark, took, step: {} }
  }

  drawStep(row, step, going) {
    // A step that was under way when its attempt ended did not come to its end.
    const left = step?.status === "running" && !going
    const state = left ? "failed" : step?.status ?? (going ? "waiting" : "skipped")
    row.step = step ?? {}
    row.node.className = `step ${state}`
    row.mark.textContent = `${left ? "stopped" : STEPS[state]}: `
  }
}
