// Articles: those of one job, those that were saved, and one that is read. Only their text is shown, as text.
import { call, query } from "./api.js"
import { at, button, count, day, link, make } from "./dom.js"

const PAGE = 20

/** `{title, url or link, excerpt, source, publishedAt}` as one entry of a list. `read` opens it, where it is given. */
export function row(article, read = null) {
  const node = make("li", "article")
  const title = read ? button(article.title, read, { className: "title" }) : link(article.title || article.url, article.url ?? article.link, "title")
  const site = article.source?.site ?? article.source?.name ?? article.site ?? host(article.url ?? article.link)
  const time = article.publishedAt ?? article.metrics?.publishedAt
  const words = article.metrics?.readTime
  node.append(title, make("p", "muted from", [site, time && day(time), words && `${words} min`].filter(Boolean).join(" · ")))
  const says = article.excerpt ?? article.summary
  if (says) node.append(make("p", "excerpt", says))
  node.dir = "auto"
  return node
}

function host(address) {
  try {
    return new URL(address).hostname.replace(/^www\./, "")
  } catch {
    return ""
  }
}

// ── of one job ──

export function drawArticles(articles) {
  at("result").hidden = false
  at("result-title").textContent = count(articles.length, "article")
  at("result-sub").textContent = `of ${count(new Set(articles.map(one => one.source.site)).size, "site")}, saved below`
  at("arrivals").replaceChildren(...articles.map(one => row(one)))
  if (!articles.length) at("arrivals").append(make("li", "empty", "No source had an article that could be read."))
}

export function drawBroken(failures) {
  at("broken").replaceChildren(...failures.map(({ name, error }) => {
    const node = make("li")
    node.append(make("strong", "", name), make("span", "", error))
    return node
  }))
}

// ── saved ──

export class Library {
  constructor(trouble) {
    Object.assign(this, { trouble, offset: 0, asked: 0 })
    at("search").addEventListener("submit", event => {
      event.preventDefault()
      this.turn(0)
    })
    at("of-source").addEventListener("change", () => this.turn(0))
    at("previous").addEventListener("click", () => this.turn(this.offset - PAGE))
    at("next").addEventListener("click", () => this.turn(this.offset + PAGE))
  }

  turn(offset) {
    this.offset = Math.max(0, offset)
    return this.draw()
  }

  /** The sources to choose from. */
  drawSources(sources) {
    const chosen = at("of-source").value
    at("of-source").replaceChildren(new Option("All sources", ""), ...sources.map(one => new Option(one.name, one.id)))
    at("of-source").value = sources.some(one => one.id === chosen) ? chosen : ""
  }

  async draw() {
    const asked = ++this.asked
    const [q, sourceId] = [at("q").value.trim(), at("of-source").value]
    let page
    try {
      page = await call("GET", query("api/news/documents", { limit: PAGE, offset: this.offset, sourceId, q }))
    } catch (error) {
      return this.trouble(error)
    }
    // A later search was faster.
    if (asked !== this.asked) return
    const { documents, pagination: { total, hasMore } } = page
    at("documents").replaceChildren(...documents.map(one => row(one, () => read(one))))
    if (!documents.length) at("documents").append(make("li", "empty", q || sourceId ? "Nothing fits." : "Nothing was saved yet: tick sources above and read them."))
    at("found").textContent = total ? count(total, "article") + (q ? ` for “${q}”` : "") : ""
    at("place").textContent = total ? `${this.offset + 1} – ${this.offset + documents.length} of ${total.toLocaleString()}` : ""
    at("pager").hidden = !this.offset && !hasMore
    at("previous").disabled = !this.offset
    at("next").disabled = !hasMore
  }
}

// ── one that is read ──

function read(article) {
  at("reader-title").textContent = article.title
  at("reader-from").textContent = [article.source?.name ?? article.source?.site ?? host(article.url), article.publishedAt && day(article.publishedAt)].filter(Boolean).join(" · ")
  at("reader-links").replaceChildren(link("The article on its site", article.url))
  const text = article.fullText || article.summary || "This article has no text."
  at("reader-text").replaceChildren(...text.split(/\n+/).filter(part => part.trim()).map(part => make("p", "", part)))
  for (const node of [at("reader-title"), at("reader-text")]) node.dir = "auto"
  at("reader").showModal()
  at("reader").scrollTop = 0
}
