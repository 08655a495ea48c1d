// The page of the preview: a form, the climb through the tiers, the page that it brought.
import { call, query } from "./api.js"
import { Application, invalid, clearInvalid } from "./application.js"
import { drawClimb } from "./climb.js"
import { at, money } from "./dom.js"
import { active, retryJob } from "./jobs.js"
import { look, stateOf, TaskFollower } from "./live.js"
import { drawResult, hideResult, wireResult } from "./result.js"

let tiers = []

const source = {
  look,
  follow(state, hooks) {
    if (active(state)) return new TaskFollower(state.id, hooks)
    hooks.note(state.status === "failed" ? state.error : state.message)
    return null
  },
  result: async state => state.result,
  cancel: async id => stateOf(await call("DELETE", `scraper/task/${encodeURIComponent(id)}`)),
  retry: retryJob,
  async history(cursor) {
    const page = await call("GET", query("scraper/tasks", { limit: 8, cursor }))
    return { rows: page.tasks.map(task => ({ ...stateOf(task), at: task.created_at })), cursor: page.cursor }
  },
}

const view = {
  async start() {
    ({ tiers } = await call("GET", "scraper/tiers"))
    at("submit").disabled = false
    for (const option of at("max-tier").options) {
      const tier = tiers.find(one => one.tier === Number(option.value))
      option.textContent = `Tier ${tier.tier} · ${tier.tier_name} · ${money(tier.cost_per_page)}`
    }
    const wanted = new URLSearchParams(location.search).get("url")
    if (wanted) at("url").value = wanted
  },
  clear: hideResult,
  opened(state) { at("url").value = state.url },
  result: drawResult,
}

const page = new Application(source, { title: "Climb", drawParts: (node, state) => drawClimb(node, state, tiers) }, view)

at("ask").addEventListener("submit", event => {
  event.preventDefault()
  clearInvalid()
  const typed = at("url").value.trim()
  if (!typed) return invalid("url", new Error("Type the address of a page."))
  const url = /^[a-z][a-z0-9+.-]*:/i.test(typed) ? typed : `https://${typed}`
  page.submit(async () => (await call("POST", "scraper/preview/async", { url, max_tier: Number(at("max-tier").value) })).task_id, at("submit"))
})

wireResult()
page.start()
