// The three tiers as cards, and the line and the bar above them.

const WORDS = {
  idle: "waiting", running: "trying", ok: "brought the page", escalated: "was not enough", failed: "failed",
  skipped: "skipped", off: "not asked for", unneeded: "not needed", untried: "not tried", stopped: "stopped",
}
const SAYS = {
  1: "HTTP that looks like a browser", 2: "The same through a pool of proxies", 3: "A headless Chromium",
}

export const money = amount => amount === 0 ? "$0" : `$${amount.toFixed(4).replace(/0+$/, "").replace(/\.$/, "")}`
export const make = (tag, className, text) => {
  const node = document.createElement(tag)
  if (className) node.className = className
  if (text !== undefined) node.textContent = text
  return node
}

const at = id => document.getElementById(id)
const running = task => task.status === "running" || task.status === "pending"

export function drawClimb(task, tiers) {
  at("run").hidden = false
  at("run").dataset.status = task.status
  at("run-url").textContent = task.url
  at("run-state").textContent = task.cancelling && running(task) ? "cancelling" : task.status
  at("run-state").className = `state ${task.status}`
  at("bar").setAttribute("aria-valuenow", String(Math.round(task.percent)))
  at("fill").style.width = `${task.percent}%`
  const say = task.status === "failed" ? task.error : task.message
  if (at("say").textContent !== say) at("say").textContent = say
  drawNumbers(task)
  at("tiers").replaceChildren(...tiers.map(tier => card(tier, task)))
}

export function drawNumbers(task) {
  const spent = task.escalation_log.reduce((sum, entry) => sum + entry.cost, 0)
  const end = task.completed_at ? Date.parse(task.completed_at) : Date.now()
  const seconds = Math.max(0, (end - Date.parse(task.created_at)) / 1000)
  at("numbers").textContent = `${seconds.toFixed(1)} s · ${money(spent)} spent`
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
  if (running(task)) return task.tier === tier ? "running" : "idle"
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

const capital = text => text.charAt(0).toUpperCase() + text.slice(1)
