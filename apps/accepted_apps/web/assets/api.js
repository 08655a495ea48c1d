// The preview's HTTP routes. Errors carry a sentence that can be shown as it is.

/** Where the application stands: the page is `…/preview`. */
export const base = new URL(".", location.href)

const KEY = "accepted-key"

export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail || body.title || `The server answered ${status}.`)
    this.status = status
    this.field = body.errors?.[0]?.pointer?.replace("#/", "") ?? null
    this.fieldSays = body.errors?.[0]?.detail ?? null
    this.retryAfter = retryAfter
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: value => sessionStorage.setItem(KEY, value),
}

async function call(method, path, body) {
  const headers = {}
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`
  if (body !== undefined) headers["Content-Type"] = "application/json"
  let answer
  try {
    answer = await fetch(new URL(path, base), {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    })
  } catch {
    throw new Problem(0, { detail: "The server cannot be reached. It may be restarting; try again in a moment." })
  }
  const found = await answer.json().catch(() => ({}))
  if (answer.ok) return found
  throw new Problem(answer.status, found, Number(answer.headers.get("Retry-After")) || null)
}

export const submit = (url, maxTier) => call("POST", "scraper/preview/async", { url, max_tier: maxTier })
export const look = id => call("GET", `scraper/task/${encodeURIComponent(id)}`)
export const cancel = id => call("DELETE", `scraper/task/${encodeURIComponent(id)}`)
export const tiers = async () => (await call("GET", "scraper/tiers")).tiers
export const history = cursor => call("GET", `scraper/tasks?limit=8${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`)
