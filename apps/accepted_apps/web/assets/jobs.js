// The job API, the same for every application.
import { call, query } from "./api.js"

const place = id => `v1/jobs/${encodeURIComponent(id)}`

export const lookJob = id => call("GET", place(id))
export const cancelJob = id => call("POST", `${place(id)}/cancel`)
export const retryJob = id => call("POST", `${place(id)}/retry`)
export const resultOf = id => call("GET", `${place(id)}/result`)
export const eventsPath = id => `${place(id)}/events`
export const eventsAfter = (id, seq) => call("GET", query(eventsPath(id), { after: seq }))

/** The caller's jobs of one task, newest first, each with what it is about: `{jobs: [{id, status, about, cost, submitted_at}], cursor}`. */
export const earlier = (task, cursor) => call("GET", query("pages/jobs", { task, cursor, limit: 8 }))

/** What one job was asked to do: an entry of `earlier`, with `arguments`. */
export const asked = id => call("GET", `pages/jobs/${encodeURIComponent(id)}`)

const ACTIVE = new Set(["pending", "running"])
export const active = job => ACTIVE.has(job.status)

const ENDS = { completed: "Done.", cancelled: "Cancelled." }

/** A job of the API as `Run` shows it. */
export function stateOf(job) {
  const { percent, message, current, total, unit } = job.progress
  return {
    ...job,
    percent: job.status === "completed" ? 100 : percent,
    message: ENDS[job.status] ?? job.waiting?.detail ?? message ?? "",
    problem: job.error,
    error: job.error?.detail ?? job.error?.title ?? null,
    counts: { current, total, unit },
    steps: job.steps ?? [],
  }
}
