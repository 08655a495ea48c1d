// The result of an audit: what it found of each endpoint, drawn when it is unfolded, and all routes of the repository.
//
// All of it is foreign: texts and code are put in as text.
import { drawBoth, drawCode, visible } from "./code.js"
import { at, capital, count, inParts, make, save } from "./dom.js"
import { Table } from "./table.js"

const COLOURS = { red: "issues", green: "no issues" }
const METRICS = [
  ["Average", "avg_response_time_ms", "ms"], ["Errors", "error_rate_percent", "%"],
  ["Throughput", "throughput_rps", "requests/s"], ["95th percentile", "percentile_95_latency_ms", "ms"],
]
/** So many notes are shown at once; more are folded. */
const NOTES = 3

let routes = []
let table = null

export function wireAudited() {
  at("filter").addEventListener("input", filter)
}

export function hideAudited() {
  at("result").hidden = true
  for (const id of ["matches", "misses"]) at(id).replaceChildren()
  table?.show(routes = [])
}

export function drawAudited(result, name) {
  const { repository_info: info, performance_analysis: counts, color_summary: colours } = result
  at("result").hidden = false
  at("result-title").textContent = visible(result.message)
  at("result-sub").textContent = visible(about(info, result))
  at("download").onclick = () => save(`${name}.json`, JSON.stringify(result, null, 1), "application/json")
  drawWarning(result)
  at("tiles").replaceChildren(
    tile(counts.worst_apis_count, "endpoints given"), tile(colours.red_apis, "matched, with issues", "red"),
    tile(colours.green_apis, "matched, no issues", "green"), tile(counts.unmatched_apis_count, "unmatched", "none"),
    tile(info.total_apis_discovered, `routes in ${count(info.total_files_found, "file")}`),
  )
  drawNotes(result)
  drawList("matched", "matches", result.matched_apis_with_colors, one => count(one, "matched endpoint"), drawMatch)
  drawList("unmatched", "misses", result.unmatched_apis, one => count(one, "unmatched endpoint"), drawMiss)
  drawRoutes(result.discovered_apis)
  const worst = at("matches").querySelector(".endpoint.red") ?? at("matches").querySelector(".endpoint")
  if (worst) worst.open = true
}

function about(info, { analysis_by: by }) {
  const commit = info.commit ? [`commit ${info.commit.slice(0, 10)}`] : []
  return [[info.owner, info.repo].filter(Boolean).join("/"), `branch ${info.branch}`, ...commit, ...info.frameworks, `analysed by ${by}`].join(" · ")
}

function drawWarning({ status, suggestions = [] }) {
  at("warning").hidden = status !== "warning"
  at("warning").replaceChildren(make("strong", "", "No route was found in this repository. What to try:"), list(suggestions))
}

function tile(number, label, className = "") {
  const node = make("div", className)
  node.append(make("dt", "", label), make("dd", "", number.toLocaleString()))
  return node
}

function drawNotes({ notes, repository_info: { routes_left_out: left } }) {
  const all = [...left ? [`${count(left, "further route")} of this repository ${left === 1 ? "is" : "are"} not listed here.`] : [], ...notes]
  const lines = all.map(note => paragraph(note, "caution"))
  if (all.length <= NOTES) return at("notes").replaceChildren(...lines)
  const folded = make("details", "caution")
  folded.append(make("summary", "", count(all.length, "note")), list(all))
  at("notes").replaceChildren(folded)
}

function list(texts, className = "plain") {
  const node = make("ul", className)
  node.append(...texts.map(text => prose("li", "", text)))
  return node
}

/** A sentence in which code stands between backticks. */
function prose(tag, className, text) {
  const node = make(tag, className)
  const parts = visible(text).split(CODE)
  node.append(...parts.map((part, place) => place % 2 ? make("code", "mono", part) : part))
  return node
}

/** Code may hold backticks itself: the last one is followed by what ends a word. */
const CODE = /(?<=^|[\s(])`(.+?)`(?=$|[\s.,;:]|\)(?:[\s.,;:]|$))/s

// ── endpoints ──

function drawList(section, place, apis, title, draw) {
  at(section).hidden = !apis.length
  at(`${section}-title`).textContent = title(apis.length)
  inParts(at(place), apis, draw)
}

/** An endpoint that unfolds: its line is there, the rest is drawn when it is first opened. */
function folded(api, colour, word, means, draw) {
  const node = make("details", `pane endpoint ${colour}`)
  const line = make("summary")
  line.append(make("span", `colour ${colour}`, word), make("span", "mono asked", visible(api.api_endpoint)), ...means)
  node.append(line)
  node.addEventListener("toggle", () => {
    if (node.open && node.children.length === 1) node.append(draw())
  })
  const item = make("li")
  item.append(node)
  return item
}

function drawMatch(api) {
  const { source_code_info: code } = api
  const route = make("span", "mono route muted", visible(`${api.matched_method} ${api.matched_endpoint}`))
  const sure = make("span", "sure-of muted", `${percent(api.match_confidence)} sure`)
  return folded(api, api.color_indicator, COLOURS[api.color_indicator], [route, average(api), sure], () => {
    const body = make("div", "found-out")
    body.append(metrics(api), part("Which route it is", matchedTo(api, code)), part("What makes it slow", slow(api)), ...handler(api, code), ...suggestions(api))
    return body
  })
}

function drawMiss(api) {
  const why = prose("span", "route muted", api.reason)
  const word = api.color_indicator === "red" ? "unmatched, issues" : "unmatched"
  return folded(api, "none", word, [why, average(api)], () => {
    const body = make("div", "found-out")
    body.append(metrics(api), part("Why", paragraph(api.reason)))
    if (api.nearest) body.append(part("What came closest", candidate(api.nearest)))
    return body
  })
}

const average = ({ performance_metrics: { avg_response_time_ms: time } }) => make("span", "time", time === undefined ? "" : `${time.toLocaleString()} ms`)

function metrics(api) {
  const box = make("div", "measured")
  const figures = make("dl", "metrics")
  figures.append(...METRICS.map(([name, field, unit]) => {
    const value = api.performance_metrics[field]
    const row = make("div")
    row.append(make("dt", "", name), make("dd", "", value === undefined ? "unknown" : `${value.toLocaleString()} ${unit}`))
    return row
  }))
  box.append(figures, api.performance_issues.length ? list(api.performance_issues, "plain issues") : paragraph("No performance issues in these numbers."))
  return box
}

function part(title, ...nodes) {
  const node = make("section", "part")
  node.append(make("h4", "", title), ...nodes)
  return node
}

const paragraph = (text, className = "") => prose("p", className, text)
const percent = share => `${(Math.floor(share * 1000) / 10).toLocaleString()} %`

function matchedTo(api, code) {
  const node = make("div", "lined")
  const where = make("p")
  where.append(make("code", "mono", visible(`${api.matched_method} ${api.matched_endpoint}`)), make("span", "", visible(` ${[code.function_name, place(code.file_path, code.line_number), code.framework].filter(Boolean).join(" · ")}`)))
  const sure = `${capital(api.match_kind)} match, ${percent(api.match_confidence)} sure · complexity ${code.complexity_score} · risk ${code.risk_level.toLowerCase()}`
  node.append(where, paragraph(sure, "muted"))
  const notes = [...api.match_notes, ...code.notes]
  if (notes.length) node.append(list(notes))
  if (api.runner_up) node.append(paragraph("Else it may be:", "muted"), candidate(api.runner_up))
  return node
}

function candidate(other) {
  const node = make("div", "lined")
  const where = make("p")
  where.append(make("code", "mono", visible(`${other.method} ${other.endpoint}`)), make("span", "muted", visible(` ${place(other.file_path, other.line_number)} · ${percent(other.match_confidence)} sure`)))
  node.append(where)
  if (other.notes.length) node.append(list(other.notes))
  return node
}

const place = (file, line) => `${file}, line ${line}`

function slow(api) {
  const node = make("div", "lined")
  node.append(paragraph(api.summary))
  if (api.root_causes.length) node.append(list(api.root_causes))
  node.append(paragraph(api.analysis_by === "rules" ? "By the rules." : `By the language model ${api.analysis_by}.`, "muted"))
  return node
}

// ── code ──

/** The handler's code with what was found at its lines; what was found elsewhere has the lines that it is about. */
function handler(api, code) {
  const last = code.line_number + code.code_snippet.split("\n").length - 1
  const here = api.findings.filter(one => one.file === code.file_path && one.line >= code.line_number && one.end_line <= last)
  const elsewhere = api.findings.filter(one => !here.includes(one))
  const shown = drawCode(code.code_snippet, {
    label: visible(`Code of ${place(code.file_path, code.line_number)}`), from: code.line_number, remarks: here.map(one => remark(one, api)),
  })
  const nodes = [part("The handler", make("p", "mono muted", visible(place(code.file_path, code.line_number))), shown)]
  // Of a handler that is too long for the result, the end is missing.
  const below = elsewhere.some(one => one.file === code.file_path && one.line > last)
  if (elsewhere.length) nodes.push(part(below ? "Further down, or in what it calls" : "In what it calls", ...elsewhere.map(one => excerpt(one, api))))
  return nodes
}

function excerpt(finding, api) {
  const node = make("div", "lined")
  const where = place(finding.file, finding.line)
  node.append(make("p", "mono muted", visible(where)), drawCode(finding.excerpt, { label: visible(`Code of ${where}`), from: finding.line, remarks: [remark(finding, api)] }))
  return node
}

function remark(finding, api) {
  const node = make("div", "finding")
  const head = make("p", "finding-head")
  head.append(make("span", `severity ${finding.severity}`, finding.severity), prose("strong", "", finding.title))
  node.append(head, paragraph(finding.why), said("What to do", todo(finding, api.code_suggestions)), said("To be expected", finding.gain))
  return { line: finding.line, end: finding.end_line, level: finding.severity, node }
}

/** A language model's suggestions are of no rule. */
function todo(finding, suggestions) {
  const own = suggestions.find(one => one.rule && one.rule === finding.rule)
  if (own) return own.explanation
  return suggestions.some(one => !one.rule) ? "See what is suggested below." : "No rewriting fits all cases here: how to do it otherwise is yours to decide."
}

function said(what, text) {
  const node = make("p")
  node.append(make("strong", "", `${what}: `), prose("span", "", text))
  return node
}

function suggestions(api) {
  if (!api.code_suggestions.length) return []
  return [part(count(api.code_suggestions.length, "suggestion"), ...api.code_suggestions.map(one => {
    const node = make("article", "suggestion lined")
    const head = make("p", "finding-head")
    head.append(make("span", `severity ${one.priority}`, one.priority), prose("strong", "", one.title))
    const where = one.file ? [make("p", "mono muted", visible(place(one.file, one.line)))] : []
    node.append(head, paragraph(one.explanation || one.description), ...where, drawBoth(one.current_code, one.improved_code, one.line || 1), said("To be expected", one.expected_improvement))
    return node
  }))]
}

// ── all routes ──

const RISKS = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]

const COLUMNS = [
  { name: "path", title: "Path", value: one => visible(one.endpoint), cell: opener },
  { name: "method", title: "Method", value: one => one.method },
  { name: "handler", title: "Handler", value: one => visible(one.function_name) || undefined },
  { name: "file", title: "File", value: one => visible(`${one.file_path}:${one.line_number}`) },
  { name: "framework", title: "Framework", value: one => one.framework },
  { name: "complexity", title: "Complexity", says: "Ways through the handler's code", value: one => one.complexity_score, number: true },
  { name: "risk", title: "Risk", says: "By complexity, and what was found", value: one => RISKS.indexOf(one.risk_level), cell: one => make("span", `severity ${one.risk_level.toLowerCase()}`, one.risk_level.toLowerCase()) },
  { name: "found", title: "Found", says: "What the rules found in the handler", value: one => one.potential_issues.length, number: true },
]

function opener(route) {
  const node = make("button", "unfold", visible(route.endpoint))
  node.type = "button"
  node.addEventListener("click", () => drawRoute(route))
  return node
}

function drawRoutes(found) {
  routes = found
  at("routes").hidden = !found.length
  at("routes-title").textContent = count(found.length, "route")
  at("filter").value = ""
  table ??= new Table(at("routes-table"), { label: "Routes of the repository", columns: COLUMNS, sort: "path", none: () => "No route fits the filter." })
  table.show(routes)
  at("routes-found").textContent = ""
}

function filter() {
  const words = at("filter").value.toLowerCase().split(/\s+/).filter(Boolean)
  const fitting = routes.filter(one => words.every(word => wordsOf(one).includes(word)))
  table.show(fitting)
  at("routes-title").textContent = words.length ? `${fitting.length.toLocaleString()} of ${count(routes.length, "route")}` : count(routes.length, "route")
  at("routes-found").textContent = `${count(fitting.length, "route")} shown`
}

const wordsOf = one => `${one.method} ${one.endpoint} ${one.function_name} ${one.file_path} ${one.framework} ${one.risk_level}`.toLowerCase()

function drawRoute(route) {
  at("route-title").textContent = visible(`${route.method} ${route.endpoint}`)
  const source = route.source === "openapi" ? ["named by an OpenAPI file only"] : []
  at("route-what").textContent = visible([route.function_name, place(route.file_path, route.line_number), route.framework, `complexity ${route.complexity_score}`, `risk ${route.risk_level.toLowerCase()}`, ...source].filter(Boolean).join(" · "))
  at("route-issues").replaceChildren(...[...route.potential_issues, ...route.notes].map(text => prose("li", "", text)))
  at("route-code").replaceChildren(...route.code_snippet ? [drawCode(route.code_snippet, { label: "Code of the handler", from: route.line_number })] : [])
  at("route").showModal()
  at("route-title").focus()
}
