// The page of the sales analysis: two exports and a product to give, the four steps of one job, what it found.
import { call } from "./api.js"
import { drawAnalysis, hideAnalysis, wireAnalysis } from "./analysis.js"
import { Application, clearInvalid, invalid, jobsOf } from "./application.js"
import { at, count, size } from "./dom.js"
import { Drop } from "./drop.js"

const STEPS = ["Scraping product data", "Analyzing keywords", "Scoring intent & metrics", "Generating SEO optimization"]
const TEXTS = new Map([["asin_or_url", "asin"], ["marketplace", "marketplace"], ["main_keyword", "main"]])

let shops = []
let most = Infinity

const jobs = jobsOf("sales-analysis")
const EXPORTS = { revenue_csv: "Revenue export", design_csv: "Design export" }

/** What fails an analysis names its field; the page names it in its own words. */
const inWords = state => state.error ? { ...state, error: state.error.replace(/^(revenue_csv|design_csv)(?=: )/, name => EXPORTS[name]) } : state

const source = {
  ...jobs,
  /** With the names of its files, which the job API does not tell. */
  async look(id) {
    const [state, { files }] = await Promise.all([jobs.look(id), call("GET", `api/v1/job-status/${encodeURIComponent(id)}`)])
    const { marketplace } = state.arguments
    return { ...inWords(state), files, about: [state.about, marketplace, ...Object.values(files)].join(" · ") }
  },
  follow: (state, hooks) => jobs.follow(state, { ...hooks, tell: news => hooks.tell(inWords(news)) }),
}

const view = {
  async start() {
    const here = await call("GET", "api/v1/marketplaces")
    shops = here.marketplaces
    most = here.file_max
    at("marketplace").replaceChildren(...shops.map(one => new Option(`${one.code} · ${one.host.replace("www.", "")}`, one.code)))
    const judge = here.judged_by === "rules" ? "stated rules" : `the language model ${here.judged_by}`
    at("here").textContent = `CSV or XLSX, of Helium 10 or any other tool, up to ${size(most)} each; one of the two is enough. Keywords are judged by ${judge}.`
    at("submit").disabled = false
  },
  clear: hideAnalysis,
  opened({ arguments: given }) {
    for (const [name, id] of TEXTS) at(id).value = given[name] ?? ""
  },
  result: drawAnalysis,
}

const page = new Application(source, { title: "Analysis", plan: () => STEPS }, view)
const exports = ["revenue", "design"].map(id => new Drop(at(`${id}-drop`), clearInvalid))

/** An address says which shop it is of. */
at("asin").addEventListener("input", () => {
  const shop = shops.find(one => at("asin").value.includes(`${one.host.replace("www", "")}/`))
  if (shop) at("marketplace").value = shop.code
})

at("ask").addEventListener("submit", event => {
  event.preventDefault()
  clearInvalid()
  const form = new FormData()
  for (const [name, id] of TEXTS) form.set(name, at(id).value.trim())
  if (!form.get("asin_or_url")) return invalid("asin_or_url", new Error("Type an ASIN, or the address of a product page."))
  const given = exports.filter(one => one.file)
  if (!given.length) return invalid("revenue_csv", new Error("Give one of the two exports at least, here or in the other field."))
  const large = given.find(one => one.file.size > most)
  if (large) return invalid(large.input.name, new Error(`This file is larger than ${size(most)}, which is the most that is taken here.`))
  for (const { input, file } of given) form.set(input.name, file)
  page.submit(async () => {
    at("submit").textContent = `Sending ${count(given.length, "file")} …`
    try {
      return (await call("POST", "api/v1/start-analysis", form)).job_id
    } finally {
      at("submit").textContent = "Analyse"
    }
  }, at("submit"))
})

wireAnalysis(error => page.trouble(error))
page.start()
