// Follows one job to its end, whatever breaks on the way: the connection, the server, the tab's sleep.
import { problemOf, request } from "./api.js"
import { active, eventsAfter, eventsPath, lookJob, stateOf } from "./jobs.js"

const PAUSES = [300, 1000, 2000, 4000, 8000]
const POLL = 1500
const GONE = new Set([401, 403, 404, 410])

/**
 * The part that every transport shares: come back after every break, and poll while there is no connection.
 * A transport has `connect()`, `close()` and `poll()`; it calls `connected()` and, after a break, `again()`.
 * `tell(news)` gets members of the state that are new; `fail(error)` ends it.
 */
export class Follower {
  constructor(id, { tell, fail }) {
    Object.assign(this, { id, tell, fail, tries: 0, over: false, timer: 0, polling: 0 })
  }

  stop() {
    this.over = true
    clearTimeout(this.timer)
    this.stopPolling()
    this.close()
  }

  connected() {
    this.tries = 0
    this.stopPolling()
  }

  again() {
    if (this.over) return
    this.timer = setTimeout(() => this.connect(), PAUSES[Math.min(this.tries, PAUSES.length - 1)])
    if (this.tries++ > 0 && !this.polling) this.ask()
  }

  /** Poll until it is over, or until the connection is back. */
  async ask() {
    if (this.over) return
    try {
      await this.poll()
    } catch (error) {
      if (GONE.has(error.status)) return this.give(error)
      if (!this.over) this.tell({ message: error.message })
    }
    if (!this.over) this.polling = setTimeout(() => this.ask(), POLL)
  }

  stopPolling() {
    clearTimeout(this.polling)
    this.polling = 0
  }

  finish(news) {
    if (this.over) return
    this.stop()
    this.tell(news)
  }

  give(error) {
    if (this.over) return
    this.stop()
    this.fail(error)
  }
}

/**
 * A job of the API over its event stream. An EventSource cannot say who asks, so the stream is read from a fetch, which
 * resumes by Last-Event-ID as well. `event(event)` gets each event once, in order, those before this moment too.
 */
export class JobFollower extends Follower {
  constructor(job, { tell, event, fail }) {
    super(job.id, { tell, fail })
    Object.assign(this, { job, event, seen: 0, connection: null, queue: 0 })
    // A place in the queue changes without an event.
    this.queue = setInterval(() => { if (this.job.status === "pending") this.refresh().catch(() => {}) }, 2 * POLL)
    this.connect()
  }

  close() {
    clearInterval(this.queue)
    this.connection?.abort()
  }

  async connect() {
    const connection = this.connection = new AbortController()
    try {
      const headers = { Accept: "text/event-stream", ...(this.seen ? { "Last-Event-ID": this.seen } : {}) }
      const answer = await request("GET", eventsPath(this.id), { headers, signal: connection.signal })
      if (GONE.has(answer.status)) return this.give(await problemOf(answer))
      if (answer.status === 204) return await this.end()
      if (answer.ok) {
        this.connected()
        for await (const [kind, event] of read(answer.body)) await this.heard(kind, event)
      }
    } catch {
      // Broken off: the next connection goes on where this one ended.
    }
    this.again()
  }

  async poll() {
    let page
    do {
      page = await eventsAfter(this.id, this.seen)
      for (const event of page.events) await this.heard(event.kind, event)
    } while (page.more && !this.over)
    if (!page.events.length) await this.refresh()
  }

  async heard(kind, event) {
    if (kind === "removed") return this.give(new Error("This job was removed."))
    if (this.over || event.seq <= this.seen) return
    this.seen = event.seq
    if (kind === "snapshot") {
      // In place of events that are not kept.
      this.job = { ...this.job, ...event }
      return this.changed()
    }
    this.event(event)
    // What happened before the job was looked at is in it already.
    if (event.seq <= this.job.seq) return event.seq === this.job.seq ? this.changed() : undefined
    if (REDUCE[kind]) this.tell(REDUCE[kind](this.job, event))
    else if (STATUS.has(kind)) await this.refresh()
  }

  /** The status has changed, and with it more than the event says. */
  async refresh() {
    this.job = await lookJob(this.id)
    this.changed()
  }

  changed() {
    if (this.over) return
    if (active(this.job)) this.tell(stateOf(this.job))
    // Else there may be older events to come, and the end is told after them.
    else if (this.seen >= this.job.seq) this.finish(stateOf(this.job))
  }

  async end() {
    this.seen = Infinity
    await this.refresh()
  }
}

const STATUS = new Set(["pending", "running", "cancelling", "completed", "failed", "cancelled"])

/** By kind: what an event changes, as members of the state. */
const REDUCE = {
  progress(job, { data }) {
    job.progress = { ...job.progress, ...data }
    return { status: job.status, percent: job.progress.percent, message: job.progress.message, counts: job.progress }
  },
  step(job, { at: time, attempt, data }) {
    const known = job.steps.find(one => one.name === data.name)
    const over = data.status !== "running"
    const step = { ...known, name: data.name, status: data.status, attempt, finished_at: over ? time : null, error: data.error ?? null }
    if (!over) step.started_at = time
    job.steps = known ? job.steps.map(one => one === known ? step : one) : [...job.steps, step]
    return { steps: job.steps }
  },
  cost(job, { data }) {
    job.cost = data.total
    return { cost: job.cost }
  },
}

/** The events of a stream, each with its kind. */
async function* read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const parts = (rest + value).split("\n\n")
    rest = parts.pop()
    for (const part of parts) {
      const lines = new Map(part.split("\n").map(line => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]))
      if (lines.get("data")) yield [lines.get("event"), JSON.parse(lines.get("data"))]
    }
  }
}
