// The page of profiles: a form, the steps of one job, the profile or the post that it brought.
import { call } from "./api.js"
import { Application, clearInvalid, invalid, jobsOf } from "./application.js"
import { at, capital, make } from "./dom.js"
import { drawPerson, hidePerson } from "./person.js"

const FIELDS = ["mode", "posts", "comments"]

const view = {
  async start() {
    const here = await call("GET", "api/scrape/providers")
    drawNetworks(here.networks)
    for (const name of ["posts", "comments"]) Object.assign(at(name), { placeholder: String(here[name]), max: here[`${name}Max`] })
    at("submit").disabled = false
  },
  clear: hidePerson,
  opened(state) {
    at("url").value = state.arguments.url ?? ""
    for (const name of FIELDS) at(name).value = state.arguments[name] ?? (name === "mode" ? "auto" : "")
  },
  result: (result, state) => drawPerson(result, state.id),
}

/** The first steps of each profile; those of its posts are known when their names are. */
const plan = state => state.steps.some(step => step.name === "Post") || state.arguments.mode === "post" ? [] : ["Profile", "Posts"]

const page = new Application(jobsOf("profile"), { title: "Reading", plan }, view)

at("ask").addEventListener("submit", event => {
  event.preventDefault()
  clearInvalid()
  const typed = at("url").value.trim()
  if (!typed) return invalid("url", new Error("Type the address of a profile or a post."))
  const request = { url: /^[a-z][a-z0-9+.-]*:/i.test(typed) ? typed : `https://${typed}`, mode: at("mode").value }
  for (const name of ["posts", "comments"]) if (at(name).value !== "") request[name] = Number(at(name).value)
  page.submit(async () => (await call("POST", "api/scrape", request)).jobId, at("submit"))
})

/** Those that can be read here first; of the others what is missing. */
function drawNetworks(networks) {
  const ordered = [...networks].sort((one, other) => other.ready - one.ready)
  at("networks").replaceChildren(...ordered.map(({ network, ready, providers }) => {
    const row = make("li", ready ? "on" : "off")
    const others = providers.filter(one => one.ready && one.label.toLowerCase() !== network).map(one => one.label)
    const missing = providers.map(one => one.missing).filter(Boolean).map(capital).join(" ")
    row.append(make("strong", "", capital(network)), make("span", "", ready ? ["ready", ...others].join(" · ") : `not set up here. ${missing}`))
    return row
  }))
}

page.start()
