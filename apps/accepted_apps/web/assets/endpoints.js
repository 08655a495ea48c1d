// The slow endpoints of the form: a table of rows to type into, which JSON can fill as well.
import { at, button, make } from "./dom.js"

/** By field: what it is for those who hear the page, and the names that others' tools have for it. The server takes the same ones. */
const FIELDS = {
  endpoint: ["Endpoint", ["endpoint", "api_endpoint", "api", "url", "path", "name", "label"]],
  avg_response_time_ms: ["Average in ms", ["avg_response_time_ms", "average_response_time_ms", "avg_response_time", "average_response_time", "avg_ms"]],
  error_rate_percent: ["Errors in percent", ["error_rate_percent", "error_rate", "errors_percent"]],
  throughput_rps: ["Requests a second", ["throughput_rps", "throughput", "requests_per_second", "rps"]],
  percentile_95_latency_ms: ["95th percentile in ms", ["percentile_95_latency_ms", "p95_latency_ms", "p95_ms", "p95", "percentile_95"]],
}
const METHODS = ["method", "http_method", "verb"]
const LISTS = ["worst_apis", "worst_api"]

export class Endpoints {
  constructor() {
    this.rows = []
    this.made = 0
    at("add").addEventListener("click", () => this.add().inputs.endpoint.focus())
    this.fill([])
  }

  /** These in place of all rows. */
  fill(apis) {
    this.rows = []
    at("rows").replaceChildren()
    for (const api of apis.length ? apis : [{}]) this.add(api)
  }

  add(api = {}) {
    const row = { node: make("tr"), inputs: {} }
    const number = ++this.made
    for (const [name, [label, others]] of Object.entries(FIELDS)) {
      const input = Object.assign(make("input"), { id: `api-${number}-${name}`, type: "text", autocomplete: "off", spellcheck: false })
      input.setAttribute("aria-label", label)
      input.setAttribute("autocapitalize", "none")
      if (name === "endpoint") input.placeholder = "GET /users/42, a path or a URL"
      else input.inputMode = "decimal"
      input.value = name === "endpoint" ? named(api, others) : first(api, others)
      const cell = make("td", name === "endpoint" ? "wide" : "")
      cell.dataset.label = label
      cell.append(input)
      row.inputs[name] = input
      row.node.append(cell)
    }
    const last = make("td")
    last.append(button("×", () => this.remove(row), { className: "remove", label: "Remove this row" }))
    row.node.append(last)
    this.rows.push(row)
    at("rows").append(row.node)
    return row
  }

  /** The last one is only emptied. */
  remove(row) {
    const place = this.rows.indexOf(row)
    row.node.remove()
    this.rows.splice(place, 1)
    const next = this.rows[Math.min(place, this.rows.length - 1)] ?? this.add()
    next.inputs.endpoint.focus()
  }

  /** What is typed, without rows that are empty; each row knows its place among what is sent. */
  given() {
    const apis = []
    for (const row of this.rows) {
      const values = Object.entries(row.inputs).map(([name, input]) => [name, input.value.trim()]).filter(([, value]) => value)
      for (const [name, input] of Object.entries(row.inputs)) input.name = values.length ? `worst_apis[${apis.length}].${name}` : ""
      if (values.length) apis.push(Object.fromEntries(values))
    }
    return apis
  }

  /** Make room for what is wrong with one field of a row: only then is there a place for it. */
  makeRoom(name) {
    const input = this.rows.flatMap(row => Object.values(row.inputs)).find(one => one.name === name)
    if (!input || at(`${input.id}-error`)) return
    const place = Object.assign(make("p", "error"), { id: `${input.id}-error`, hidden: true })
    place.setAttribute("role", "alert")
    input.setAttribute("aria-describedby", place.id)
    input.after(place)
  }
}

/** The endpoints in a JSON text; null where it holds none. Raises SyntaxError for what is no JSON. */
export function endpointsIn(text) {
  const value = JSON.parse(text)
  const list = Array.isArray(value) ? value : LISTS.map(name => value?.[name] ?? value?.analysis?.[name]).find(Boolean)
  const apis = [list ?? value].flat().filter(one => typeof one === "string" ? one : first(one, FIELDS.endpoint[1]))
  return apis.length ? apis.map(one => typeof one === "string" ? { endpoint: one } : one) : null
}

const first = (api, names) => String(names.map(name => api?.[name]).find(value => value !== undefined && value !== null && typeof value !== "object") ?? "")

/** Where the method stands apart, it goes in front. */
function named(api, names) {
  const [method, endpoint] = [first(api, METHODS), first(api, names)]
  return method && endpoint && !/\s/.test(endpoint) ? `${method.toUpperCase()} ${endpoint}` : endpoint
}
