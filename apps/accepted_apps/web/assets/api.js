// One call to this server. Errors carry a sentence that can be shown as it is, and the field that they are about.

/** Where the applications stand: a page is `…/preview`. */
export const base = new URL(".", location.href)

const KEY = "accepted-key"

export class Problem extends Error {
  constructor(status, body, retryAfter = null) {
    super(body.detail || body.error || body.title || `The server answered ${status}.`)
    this.status = status
    const first = body.errors?.[0]
    this.field = first?.pointer?.replace("#/", "") ?? body.field ?? null
    this.fieldSays = first?.detail ?? null
    this.retryAfter = retryAfter
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: value => sessionStorage.setItem(KEY, value),
}

/** The answer, whatever it is. `body`: a FormData or Blob goes as it is, all else as JSON. Raises Problem when the server cannot be reached. */
export async function request(method, path, { body, headers = {}, signal } = {}) {
  const all = { ...headers }
  if (key.get()) all.Authorization = `Bearer ${key.get()}`
  const raw = body === undefined || body instanceof FormData || body instanceof Blob
  if (!raw) all["Content-Type"] = "application/json"
  try {
    return await fetch(new URL(path, base), { method, headers: all, body: raw ? body : JSON.stringify(body), signal })
  } catch (error) {
    if (error.name === "AbortError") throw error
    throw new Problem(0, { detail: "The server cannot be reached. It may be restarting; try again in a moment." })
  }
}

/** The JSON of the answer. Raises Problem. */
export async function call(method, path, body) {
  const answer = await request(method, path, { body })
  if (!answer.ok) throw await problemOf(answer)
  return answer.json().catch(() => ({}))
}

export async function problemOf(answer) {
  const found = await answer.json().catch(() => ({}))
  return new Problem(answer.status, found, Number(answer.headers.get("Retry-After")) || null)
}

/** A path with these parameters; those that are null, undefined or empty are left out. */
export function query(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "")
  return given.length ? `${path}?${new URLSearchParams(given)}` : path
}
