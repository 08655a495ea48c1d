// Follows one task: over a WebSocket that subscribes again after every break, and by polling while there is none.
import { base, key, look } from "./api.js"

const PAUSES = [300, 1000, 2000, 4000, 8000]
const POLL = 1500
const OVER = new Set(["completed", "failed", "cancelled"])

/**
 * `tell(state)` gets what is new as members of a task (status, percent, message, tier, escalation_log, result, error);
 * `restart()` is called before the messages of the task come from the beginning. `fail(error)` ends it.
 */
export class Follower {
  constructor(id, { tell, restart, fail }) {
    Object.assign(this, { id, tell, restart, fail, tries: 0, over: false, socket: null, timer: 0, polling: 0 })
    this.connect()
  }

  stop() {
    this.over = true
    clearTimeout(this.timer)
    clearTimeout(this.polling)
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
    if (message.type === "subscribed") this.connected()
    if (message.type === "error" || message.type === "removed") this.give(new Error(message.message ?? "This preview was removed."))
    if (message.task_id !== this.id) return
    if (message.type === "scraper:progress") this.tell({ ...message, phase: message.status, status: "running" })
    if (message.type === "scraper:complete") this.finish({ status: "completed", percent: 100, message: "The page is here.", result: message.data })
    if (message.type === "scraper:error") this.poll()
  }

  connected() {
    this.tries = 0
    clearTimeout(this.polling)
    this.polling = 0
    this.restart()
  }

  again() {
    if (this.over) return
    this.timer = setTimeout(() => this.connect(), PAUSES[Math.min(this.tries, PAUSES.length - 1)])
    if (this.tries++ > 0 && !this.polling) this.poll()
  }

  /** Ask until it is over, or until the socket is back. It also brings what no message says: why a task failed. */
  async poll() {
    if (this.over) return
    try {
      const state = await look(this.id)
      if (this.over) return
      if (OVER.has(state.status)) return this.finish(state)
      this.tell(state)
    } catch (error) {
      if (error.status === 404 || error.status === 410 || error.status === 401) return this.give(error)
      this.tell({ message: error.message })
    }
    this.polling = setTimeout(() => this.poll(), POLL)
  }

  finish(state) {
    this.stop()
    this.tell(state)
  }

  give(error) {
    this.stop()
    this.fail(error)
  }
}
