// The page of the audit: a repository and slow endpoints, the steps of one job, what it found.
import { call, query } from "./api.js"
import { Application, clearInvalid, invalid, jobsOf } from "./application.js"
import { drawAudited, hideAudited, wireAudited } from "./audited.js"
import { at, capital, count, make } from "./dom.js"
import { Drop } from "./drop.js"
import { Endpoints, endpointsIn } from "./endpoints.js"

const GENERATING = "Generating AI analysis"
/** Bytes of a file that may be a list of endpoints; a larger one is a report. */
const LIST_MAX = 4 * 1024 * 1024

const view = {
  async start() { at("submit").disabled = false },
  clear: hideAudited,
  opened({ arguments: { github_repo, branch, worst_apis, report } }) {
    at("repo").value = github_repo ?? ""
    at("branch").value = branch ?? ""
    at("token").value = ""
    endpoints.fill(worst_apis ?? [])
    if (report?.filename === drop.file?.name) return note("")
    drop.input.value = ""
    drop.draw()
    note(report ? `With this audit the report ${report.filename} was sent; for another one, choose it again.` : "")
  },
  result: (result, state) => drawAudited(result, state.id),
}

/** Questions to a language model are steps inside the third one. */
function plan(state) {
  const asked = state.steps.map(step => step.name).filter(name => name.startsWith(`${GENERATING}: `))
  return ["Discovering APIs", "Matching APIs", GENERATING, ...asked, "Storing results"]
}

const page = new Application(jobsOf("audit"), { title: "Audit", plan }, view)
const endpoints = new Endpoints()
const drop = new Drop(at("report-drop"), taken)
wireAudited()

at("ask").addEventListener("submit", event => {
  event.preventDefault()
  clearInvalid()
  const apis = endpoints.given()
  if (!at("repo").value.trim()) return invalid("github_repo", new Error("Write owner/repo, or the URL of a git repository."))
  const nameless = apis.findIndex(api => !api.endpoint)
  if (nameless >= 0) return wrong(`worst_apis[${nameless}].endpoint`, new Error("Name the endpoint of these numbers."))
  if (!apis.length && !drop.file) return wrong("worst_apis", new Error("Name an endpoint, or choose the report of a load test."))
  page.submit(() => submit(apis), at("submit"))
})

/** Whose branches are in the list; with a token nothing is asked, for it would have to stand in the address. */
let branchesOf = ""

at("branch").addEventListener("focus", async () => {
  const repository = at("repo").value.trim()
  if (repository === branchesOf || at("token").value) return
  branchesOf = repository
  at("branches").replaceChildren()
  if (!repository) return
  // What is wrong with it is said when the audit is asked for.
  const { branches = [] } = await call("GET", query("repository-branches/_", { github_repo: repository })).catch(() => ({}))
  if (branchesOf === repository) at("branches").append(...branches.map(name => Object.assign(make("option"), { value: name })))
})

/** The token goes in the body, where no log sees it, and does not stay in the page. */
async function submit(apis) {
  const request = { github_repo: at("repo").value.trim(), branch: at("branch").value.trim(), token: at("token").value.trim() }
  try {
    const { job_id: id } = await call("POST", "analyze-worst-apis-with-github-async/", drop.file ? formOf(request, apis) : { ...request, worst_apis: apis })
    at("token").value = ""
    return id
  } catch (error) {
    throw inWords(error)
  }
}

function formOf(request, apis) {
  const form = new FormData()
  for (const [name, value] of Object.entries(request)) form.append(name, value)
  if (apis.length) form.append("worst_apis", JSON.stringify(apis))
  form.append("report", drop.file)
  return form
}

/** The server's sentence without the field's name in front, which the page shows in its own words. */
function inWords(error) {
  const says = error.field && error.message.startsWith(`${error.field}: `) ? error.message.slice(error.field.length + 2) : null
  if (!says) return error
  const cell = error.field.match(/^worst_apis\[\d+\]/)
  if (cell && !error.field.includes(".")) error.field += ".endpoint"
  if (cell) endpoints.makeRoom(error.field)
  if (cell || says !== says.toLowerCase() && says === capital(says)) error.message = capital(says)
  else error.fieldSays = says
  return error
}

function wrong(field, error) {
  endpoints.makeRoom(field)
  invalid(field, error)
}

// ── endpoints as JSON, from the clipboard or a file ──

at("paste").addEventListener("click", () => {
  const open = at("pasting").hidden
  at("pasting").hidden = !open
  at("paste").setAttribute("aria-expanded", String(open))
  if (open) at("json").focus()
})

at("take").addEventListener("click", () => {
  const place = at("json-error")
  const say = text => {
    place.hidden = !text
    place.textContent = text
    text ? at("json").setAttribute("aria-invalid", "true") : at("json").removeAttribute("aria-invalid")
  }
  let apis
  try {
    apis = endpointsIn(at("json").value)
  } catch (error) {
    return say(`This is no JSON: ${error.message}.`)
  }
  if (!apis) return say('No entry has an endpoint: write [{"endpoint": "/users", "avg_response_time_ms": 2500}, …].')
  say("")
  filled(apis, "pasted")
  at("json").value = ""
  at("pasting").hidden = true
  at("paste").setAttribute("aria-expanded", "false")
  at("paste").focus()
})

/** A file with a list of endpoints fills the table; any other is taken for a report, which the server reads. */
async function taken(file) {
  if (!file || file.size > LIST_MAX || !/\.json$/i.test(file.name)) return
  let apis = null
  try {
    apis = endpointsIn(await file.text())
  } catch {
    // The server says what is wrong with it.
  }
  if (!apis || drop.file !== file) return
  drop.remove()
  filled(apis, `from ${file.name}`)
}

function filled(apis, how) {
  endpoints.fill(apis)
  note(`${count(apis.length, "endpoint")} ${how} ${apis.length === 1 ? "is" : "are"} in the table.`)
}

function note(text) {
  at("apis-note").textContent = text
}

page.start()
