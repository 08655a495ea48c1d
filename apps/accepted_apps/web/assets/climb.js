// The three tiers of a preview as cards.
import { capital, make, money } from "./dom.js"
import { active } from "./jobs.js"

const WORDS = {
  idle: "waiting", running: "trying", ok: "brought the page", escalated: "was not enough", failed: "failed",
  skipped: "skipped", off: "not asked for", unneeded: "not needed", untried: "not tried", stopped: "stopped",
}
const SAYS = {
  1: "HTTP that looks like a browser", 2: "The same through a pool of proxies", 3: "A headless Chromium",
}

export function drawClimb(node, task, tiers) {
  const list = make("ol", "tiers")
  list.append(...tiers.map(tier => card(tier, task)))
  node.replaceChildren(list)
}

function card(tier, task) {
  const entry = task.escalation_log.findLast(one => one.tier === tier.tier)
  const state = stateOf(tier.tier, entry, task)
  const node = make("li", `tier ${["off", "unneeded", "untried", "stopped"].includes(state) ? "idle" : state}`)
  const head = make("header")
  const title = make("h3", "", tier.tier_name)
  title.prepend(make("small", "", `TIER ${tier.tier}`))
  head.append(title, make("span", `state ${state}`, WORDS[state]))
  node.append(head, make("p", "sign", sign(state, entry, tier)), facts(entry, tier))
  return node
}

function stateOf(tier, entry, task) {
  if (entry) return entry.outcome
  if (tier < task.min_tier || tier > task.max_tier) return "off"
  if (active(task)) return task.tier === tier ? "running" : "idle"
  if (task.status === "completed") return "unneeded"
  return task.status === "cancelled" && task.tier === tier ? "stopped" : "untried"
}

function sign(state, entry, tier) {
  if (state === "skipped") return capital(entry.sign)
  if (entry?.sign) return state === "failed" ? `Ended here: ${entry.sign.replaceAll("_", " ")}` : `Sign of the block: ${entry.sign}`
  if (state === "idle" && tier.reason) return `Will be skipped: ${tier.reason}`
  return SAYS[tier.tier] ?? ""
}

function facts(entry, tier) {
  const list = make("dl")
  const rows = entry && entry.outcome !== "skipped"
    ? [["took", `${entry.seconds.toFixed(1)} s`], ["cost", money(entry.cost)], ...(entry.status_code ? [["HTTP", entry.status_code]] : [])]
    : [["price", `${money(tier.cost_per_page)} a page`]]
  for (const [name, value] of rows) {
    const row = make("div")
    row.append(make("dt", "", name), make("dd", "", value))
    list.append(row)
  }
  return list
}
