// The page of news: sources to tick, one job over them with its articles as they come, and all that was saved.
import { call } from "./api.js"
import { Application, clearInvalid, jobsOf } from "./application.js"
import { drawArticles, drawBroken, Library, row } from "./articles.js"
import { at, count } from "./dom.js"
import { active } from "./jobs.js"
import { Registry } from "./registry.js"

let arrived = new Map()
let due = 0
/** Set once the result is drawn: what comes late of the articles on their way must not go over it. */
let whole = false

const view = {
  async start() {
    await registry.load()
    await library.draw()
  },
  clear() {
    cancelAnimationFrame(due)
    due = 0
    whole = false
    arrived = new Map()
    at("result").hidden = true
    at("arrivals").replaceChildren()
    at("broken").replaceChildren()
  },
  opened({ arguments: { sources = [], limit, include_media, include_sections } }) {
    registry.tick(sources)
    at("limit").value = limit ?? ""
    at("include-media").checked = include_media ?? true
    at("include-sections").checked = include_sections ?? true
  },
  event({ kind, data }) {
    if (whole || kind !== "output" || !data.value?.url || arrived.has(data.value.url)) return
    arrived.set(data.value.url, { ...data.value, source: { site: registry.nameOf(data.value.sourceId) } })
    due ||= requestAnimationFrame(drawArrived)
  },
  changed(state) {
    if (state.status === "failed") drawBroken(state.problem?.failures?.filter(one => one.error) ?? [])
  },
  async result({ articles, sources }) {
    cancelAnimationFrame(due)
    whole = true
    drawArticles(articles)
    drawBroken(sources.filter(one => one.error))
    await library.draw()
  },
}

function drawArrived() {
  due = 0
  at("result").hidden = false
  at("result-title").textContent = `${count(arrived.size, "article")} so far`
  at("arrivals").append(...[...arrived.values()].slice(at("arrivals").children.length).map(one => row(one)))
}

/** Two steps for each source, between the first one and the last; of a job that is over, for those that it knew so. */
function plan(state) {
  const begun = new Set(state.steps.map(step => step.name))
  const names = (state.arguments.sources ?? []).map(named => registry.nameOf(named))
  const known = active(state) ? names : names.filter(name => begun.has(`Reading ${name}`))
  return ["Looking up the sources", ...known.flatMap(name => [`Reading ${name}`, `Articles of ${name}`]), "Saving articles"]
}

const page = new Application(jobsOf("news"), { title: "Reading", plan }, view)
const registry = new Registry({ ticked, trouble: error => page.trouble(error), changed: () => library.drawSources(registry.sources) })
const library = new Library(error => page.trouble(error))

function ticked(sources) {
  at("submit").disabled = !sources.length
  at("submit").textContent = sources.length ? `Read ${count(sources.length, "source")}` : "Read"
}

at("ask").addEventListener("submit", event => {
  event.preventDefault()
  clearInvalid()
  const options = { includeMedia: at("include-media").checked, includeSections: at("include-sections").checked }
  if (at("limit").value !== "") options.limit = Number(at("limit").value)
  const request = { sources: registry.ticked(), options }
  page.submit(async () => (await call("POST", "api/news/scrape-job", request)).jobId, at("submit"))
})

page.start()
