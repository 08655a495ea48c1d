// Follows one preview over the preview's WebSocket, which subscribes again after every break.
import { base, call, key } from "./api.js"
import { Follower } from "./follow.js"
import { active } from "./jobs.js"

/** A task of the preview as `Run` shows a job. */
export const stateOf = task => ({
  ...task, id: task.task_id, about: task.url, submitted_at: task.created_at, finished_at: task.completed_at,
})

export const look = async id => stateOf(await call("GET", `scraper/task/${encodeURIComponent(id)}`))

const spent = log => log.reduce((sum, entry) => sum + entry.cost, 0)

/** `note(text, mark)` gets each message; `clear()` is called before they come from the beginning. */
export class TaskFollower extends Follower {
  constructor(id, { tell, fail, note, clear }) {
    super(id, { tell, fail })
    Object.assign(this, { note, clear, socket: null })
    this.connect()
  }

  close() {
    this.socket?.close()
  }

  connect() {
    const url = new URL("ws/scraper", base)
    url.protocol = url.protocol.replace("http", "ws")
    const socket = this.socket = new WebSocket(url)
    const send = message => socket.send(JSON.stringify(message))
    const subscribe = () => send({ type: "subscribe", channel: `scraper:${this.id}` })
    socket.onopen = () => key.get() ? send({ action: "authenticate", token: key.get() }) : subscribe()
    socket.onmessage = event => this.heard(JSON.parse(event.data), subscribe)
    socket.onclose = () => this.again()
  }

  heard(message, subscribe) {
    if (this.over) return
    if (message.type === "auth_success") subscribe()
    if (message.type === "subscribed") {
      this.connected()
      this.clear()
    }
    if (message.type === "error" || message.type === "removed") this.give(new Error(message.message ?? "This preview was removed."))
    if (message.task_id !== this.id) return
    if (message.type === "scraper:progress") this.progressed(message)
    if (message.type === "scraper:complete") this.completed(message.data)
    if (message.type === "scraper:error") this.ask()
  }

  progressed({ message, percent, tier, tier_name, escalation_log }) {
    this.note(message, `${Math.round(percent)} %`)
    this.tell({ status: "running", message, percent, tier, tier_name, escalation_log, cost: spent(escalation_log) })
  }

  completed(result) {
    const { escalation_log } = result.tier_info
    this.finish({
      status: "completed", percent: 100, message: "The page is here.", result, escalation_log, cost: spent(escalation_log),
      finished_at: new Date().toISOString(),
    })
  }

  /** It also brings what no message says: why a task failed. */
  async poll() {
    const state = await look(this.id)
    active(state) ? this.tell(state) : this.finish(state)
  }

  finish(news) {
    if (!this.over) this.note(news.status === "failed" ? news.error : news.message)
    super.finish(news)
  }
}
