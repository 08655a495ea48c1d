// What every application's page does: who asks, what went wrong, one job that is shown and followed, earlier ones.
import { key } from "./api.js"
import { at, capital } from "./dom.js"
import { JobFollower } from "./follow.js"
import { active, asked, cancelJob, earlier, lookJob, resultOf, retryJob, stateOf } from "./jobs.js"
import { Past } from "./past.js"
import { Run } from "./run.js"

/** Jobs of one task over the job API: where a page has its jobs from. The preview has a source of its own. */
export const jobsOf = task => ({
  async look(id) {
    const [job, request] = await Promise.all([lookJob(id), asked(id)])
    return { ...stateOf(job), about: request.about, arguments: request.arguments, job }
  },
  follow: (state, hooks) => new JobFollower(state.job, hooks),
  result: state => resultOf(state.id),
  async cancel(id) {
    const { status, cancelling, finished_at } = await cancelJob(id)
    return { status, cancelling, finished_at }
  },
  retry: retryJob,
  async history(cursor) {
    const page = await earlier(task, cursor)
    return { rows: page.jobs.map(job => ({ ...job, at: job.submitted_at })), cursor: page.cursor }
  },
})

export class Application {
  /**
   * `source`: as `jobsOf`. `run`: as of `Run`. `view`, each part optional: `start()` loads what the page needs before anything
   * else, `opened(state)`, `event(event)`, `changed(state)`, `result(result, state)`, `clear()`.
   */
  constructor(source, run, view) {
    Object.assign(this, { source, view, state: null, follower: null, due: 0 })
    this.run = new Run(at("run"), { ...run, cancel: () => this.cancel(), retry: () => this.retry() })
    this.past = new Past(source.history, id => this.open(id))
    addEventListener("popstate", () => { if (location.hash) this.open(location.hash.slice(1)) })
    at("key-form").addEventListener("submit", event => {
      event.preventDefault()
      key.set(at("key").value.trim())
      at("key-form").hidden = true
      this.start()
    })
  }

  async start() {
    try {
      await this.view.start?.()
    } catch (error) {
      return this.trouble(error)
    }
    this.say(null)
    if (location.hash) await this.open(location.hash.slice(1))
    await this.past.draw()
  }

  /** Submit by `submit()`, which answers with the id, and show the job. Raises nothing: a field's error stands at the field. */
  async submit(submit, control) {
    this.say(null)
    clearInvalid()
    control.disabled = true
    try {
      await this.open(await submit())
      // Under a long form it would be out of sight.
      at("run").scrollIntoView({ block: "nearest" })
      await this.past.draw()
    } catch (error) {
      if (!(error.field && invalid(error.field, error))) this.trouble(error)
    } finally {
      control.disabled = false
    }
  }

  async open(id) {
    this.follower?.stop()
    this.say(null)
    this.wanted = id
    let state
    try {
      state = await this.source.look(id)
    } catch (error) {
      return this.trouble(error)
    }
    // Another one was opened meanwhile.
    if (this.wanted !== id) return
    if (location.hash.slice(1) !== id) history.pushState(null, "", `#${id}`)
    this.state = state
    this.run.clear()
    this.view.clear?.()
    this.view.opened?.(state)
    const hooks = {
      tell: news => this.tell(news), fail: error => this.trouble(error), event: event => this.event(event),
      note: (...said) => this.run.note(...said), clear: () => this.run.clear(),
    }
    this.follower = this.source.follow(state, hooks)
    this.run.draw(state)
    if (!active(state)) await this.finished(false)
  }

  /** News of the job: some members of its state. The percent never falls within an attempt. */
  tell(news) {
    const was = active(this.state)
    const again = news.attempt !== undefined && news.attempt !== this.state.attempt
    const percent = again ? news.percent : highest(this.state.percent, news.percent)
    Object.assign(this.state, news, { percent })
    if (was && !active(this.state)) return this.finished(true)
    // Many at once, as when a long story is read from its beginning, are one drawing.
    this.due ||= requestAnimationFrame(() => this.draw())
  }

  draw() {
    this.due = 0
    this.run.draw(this.state)
    this.view.changed?.(this.state)
  }

  event(event) {
    if (event.kind === "log") this.run.note(event.data.message, clock(event.at), event.data.level)
    this.view.event?.(event, this.state)
  }

  async finished(live) {
    const { state } = this
    this.draw()
    if (state.status === "completed") {
      try {
        state.result ??= await this.source.result(state)
      } catch (error) {
        return this.trouble(error)
      }
      if (this.state !== state) return
      this.view.result?.(state.result, state)
      this.draw()
      if (live) at("result-title")?.focus({ preventScroll: true })
    }
    if (live) await this.past.draw()
  }

  async cancel() {
    this.tell({ cancelling: true })
    try {
      this.tell(await this.source.cancel(this.state.id))
    } catch (error) {
      this.tell({ cancelling: false })
      this.trouble(error)
    }
  }

  async retry() {
    try {
      await this.source.retry(this.state.id)
      await this.open(this.state.id)
      await this.past.draw()
    } catch (error) {
      this.trouble(error)
    }
  }

  // ── what went wrong ──

  say(text) {
    at("notice").hidden = !text
    at("notice").textContent = text ?? ""
  }

  trouble(error) {
    if (error.status === 401) {
      at("key-form").hidden = false
      at("key").focus()
      return this.say(key.get() ? error.message : null)
    }
    const later = error.status === 429 && error.retryAfter ? ` Try again in ${error.retryAfter} s.` : ""
    this.say(error.message + later)
  }
}

const highest = (...percents) => percents.filter(Number.isFinite).reduce((most, one) => Math.max(most ?? 0, one), null)
const clock = time => new Date(time).toLocaleTimeString([], { timeStyle: "medium" })

/** Say at a field of the form what is wrong with it. False: there is no such field on the page. */
export function invalid(name, error) {
  const field = document.querySelector(`[name="${CSS.escape(name)}"]`)
  const place = field && at(`${field.id}-error`)
  if (!place) return false
  place.hidden = false
  place.textContent = error.fieldSays ? `${place.dataset.subject ?? "This"} ${error.fieldSays}` : capital(error.message.replace(`${name}: `, ""))
  field.setAttribute("aria-invalid", "true")
  field.closest("details")?.setAttribute("open", "")
  field.focus()
  return true
}

export function clearInvalid() {
  for (const field of document.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid")
    at(`${field.id}-error`).hidden = true
  }
}
