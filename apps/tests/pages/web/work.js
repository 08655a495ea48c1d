import { call } from "../assets/api.js"
import { Application, clearInvalid, jobsOf } from "../assets/application.js"
import { at, make } from "../assets/dom.js"

const view = {
  async start() { at("submit").disabled = false },
  clear() {
    at("result").hidden = true
    at("outputs").replaceChildren()
  },
  event({ kind, data }) { if (kind === "output") at("outputs").append(make("li", "", data.value)) },
  result(result) {
    at("result").hidden = false
    at("result-title").textContent = `The result: ${result.text}`
  },
}

const plan = state => state.arguments.parts
const page = new Application(jobsOf("work"), { title: "Work", plan }, view)

at("ask").addEventListener("submit", event => {
  event.preventDefault()
  clearInvalid()
  const typed = at("parts").value
  page.submit(async () => (await call("POST", "v1/tasks/work", typed.startsWith("{") ? JSON.parse(typed) : { parts: typed })).id, at("submit"))
})

page.start()
