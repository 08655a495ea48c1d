// The page: a form, one task that is followed, its result, and the caller's earlier tasks.
import * as api from "./api.js"
import { drawClimb, drawNumbers, make, money } from "./climb.js"
import { Follower } from "./live.js"
import { drawResult, hideResult, wireResult } from "./result.js"

const at = id => document.getElementById(id)
const ACTIVE = ["pending", "running"]

let tiers = []
let task = null
let follower = null
let messages = []
let cursor = null

// ── one task ──

async function open(id) {
  follower?.stop()
  say(null)
  try {
    task = await api.look(id)
  } catch (error) {
    return trouble(error)
  }
  if (location.hash.slice(1) !== id) history.pushState(null, "", `#${id}`)
  at("url").value = task.url
  messages = []
  hideResult()
  if (ACTIVE.includes(task.status)) {
    follower = new Follower(id, { tell: change, restart: () => { messages = [] }, fail: trouble })
  } else {
    note(task.message)
  }
  draw()
}

/** News of the task: some of its members. */
function change(news) {
  const wasActive = ACTIVE.includes(task.status)
  if (news.phase) note(news.message, news.percent)
  Object.assign(task, news, { percent: Math.max(task.percent, news.percent ?? 0) })
  if (wasActive && !ACTIVE.includes(task.status)) {
    finished()
  } else {
    draw()
  }
}

async function finished() {
  note(task.status === "failed" ? task.error : task.message)
  if (task.result) task.escalation_log = task.result.tier_info.escalation_log
  task.completed_at ??= new Date().toISOString()
  draw()
  if (task.result) at("result-title").focus({ preventScroll: true })
  await drawHistory()
}

function note(text, percent) {
  const seconds = Math.max(0, (Date.now() - Date.parse(task.created_at)) / 1000)
  if (text) messages.push({ text, mark: percent === undefined ? "" : `${Math.round(percent)} %`, seconds })
}

function draw() {
  drawClimb(task, tiers)
  at("log").replaceChildren(...messages.map(({ text, mark }) => {
    const row = make("li")
    row.append(make("span", "", mark), make("div", "", text))
    return row
  }))
  at("log-count").textContent = `(${messages.length})`
  const active = ACTIVE.includes(task.status)
  at("cancel").hidden = !active
  at("cancel").disabled = Boolean(task.cancelling)
  if (task.result && at("result").hidden) drawResult(task.result)
}

setInterval(() => { if (task && ACTIVE.includes(task.status)) drawNumbers(task) }, 100)

// ── what the person does ──

at("ask").addEventListener("submit", async event => {
  event.preventDefault()
  const url = at("url").value.trim()
  invalid(null)
  say(null)
  if (!url) return invalid("Type the address of a page.")
  at("submit").disabled = true
  try {
    const started = await api.submit(/^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `https://${url}`, Number(at("max-tier").value))
    await open(started.task_id)
    await drawHistory()
  } catch (error) {
    error.field === "url" ? invalid(`The address ${error.fieldSays}`) : trouble(error)
  } finally {
    at("submit").disabled = false
  }
})

at("cancel").addEventListener("click", async () => {
  at("cancel").disabled = true
  task.cancelling = true
  try {
    change(await api.cancel(task.task_id))
  } catch (error) {
    task.cancelling = false
    trouble(error)
  }
  draw()
})

at("key-form").addEventListener("submit", event => {
  event.preventDefault()
  api.key.set(at("key").value.trim())
  at("key-form").hidden = true
  start()
})

at("more").addEventListener("click", () => drawHistory(cursor))
addEventListener("popstate", () => { if (location.hash) open(location.hash.slice(1)) })

// ── what went wrong ──

function invalid(text) {
  at("url-error").hidden = !text
  at("url-error").textContent = text ?? ""
  text ? at("url").setAttribute("aria-invalid", "true") : at("url").removeAttribute("aria-invalid")
  if (text) at("url").focus()
}

function say(text) {
  at("notice").hidden = !text
  at("notice").textContent = text ?? ""
}

function trouble(error) {
  if (error.status === 401) {
    at("key-form").hidden = false
    at("key").focus()
    return say(api.key.get() ? error.message : null)
  }
  const later = error.status === 429 && error.retryAfter ? ` Try again in ${error.retryAfter} s.` : ""
  say(error.message + later)
}

// ── earlier tasks ──

async function drawHistory(after = null) {
  const page = await api.history(after).catch(() => null)
  if (!page) return
  cursor = page.cursor
  const rows = page.tasks.map(one => {
    const row = make("li")
    const node = make("button")
    node.type = "button"
    node.append(make("span", `state ${one.status}`, one.status), make("span", "where", one.url), make("span", "cost", money(one.cost)), make("span", "when", new Date(one.created_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })))
    node.addEventListener("click", () => { open(one.task_id); scrollTo({ top: 0 }) })
    row.append(node)
    return row
  })
  after ? at("past").append(...rows) : at("past").replaceChildren(...rows)
  at("history").hidden = !at("past").children.length
  at("more").hidden = !cursor
}

// ── start ──

async function start() {
  try {
    tiers = await api.tiers()
  } catch (error) {
    return trouble(error)
  }
  say(null)
  at("submit").disabled = false
  for (const option of at("max-tier").options) {
    const tier = tiers.find(one => one.tier === Number(option.value))
    option.textContent = `Tier ${tier.tier} · ${tier.tier_name} · ${money(tier.cost_per_page)}`
  }
  const asked = new URLSearchParams(location.search).get("url")
  if (asked) at("url").value = asked
  if (location.hash) await open(location.hash.slice(1))
  await drawHistory()
}

wireResult()
start()
