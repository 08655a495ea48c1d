// What an analysis found: what it is of and who judged, the figures, how the exports were read, keywords, roots, the listing.
//
// Everything in it was written by others: it is put in as text.
import { key, problemOf, request } from "./api.js"
import { at, button, count, link, make, save } from "./dom.js"
import { Keywords } from "./keywords.js"
import { drawListing } from "./listing.js"
import { drawReading } from "./reading.js"
import { Table } from "./table.js"

const FILES = [["Workbook (XLSX)", "format=xlsx"], ["Keywords (CSV)", "format=csv&sheet=keywords"], ["Roots (CSV)", "format=csv&sheet=roots"], ["Listing (CSV)", "format=csv&sheet=listing"]]
const percent = number => `${number.toLocaleString([], { maximumFractionDigits: 1 })} %`

let keywords, roots, chances, trouble

/** `failed(error)` gets what went wrong. */
export function wireAnalysis(failed) {
  trouble = failed
  keywords = new Keywords()
  roots = new Table(at("roots"), {
    label: "Root words", sort: "volume", none: () => "No keyword belongs to the product, so there are no roots.",
    columns: [
      { name: "root", title: "Root", value: one => one.root, cell: one => button(one.root, () => keywords.ofRoot(one.root), { className: "pick", label: `Keywords of ${one.root}` }) },
      { name: "volume", title: "Searches", says: "Searches a month", value: one => one.search_volume, number: true },
      { name: "count", title: "Keywords", value: one => one.keywords, number: true },
    ],
  })
  chances = new Table(at("chances"), {
    label: "Opportunities", sort: "volume", none: () => "No keyword has searches and few titles that carry it.",
    columns: [
      { name: "phrase", title: "Keyword", value: one => one.phrase },
      { name: "volume", title: "Searches", says: "Searches a month", value: one => one.search_volume, number: true },
      { name: "density", title: "Density", says: "Title density: titles of the first page that carry it", value: one => one.title_density, number: true },
    ],
  })
}

export function hideAnalysis() {
  at("result").hidden = true
}

export function drawAnalysis(result, state) {
  const { structured_data: { items, stats } } = result.ai_analysis_keywords
  const wanted = items.filter(one => one.opportunity_decision === "Opportunity")
  at("result").hidden = false
  drawHead(result, state.id)
  drawNotes(result)
  drawFigures(result, wanted.length)
  drawReading(at("reading"), result.reading, state.files)
  drawListing(result)
  keywords.show(items, stats)
  roots.show(result.roots)
  chances.show(wanted)
  for (const [id, name, rows] of [["roots-title", "Root words", result.roots], ["chances-title", "Opportunities", wanted]]) {
    at(id).replaceChildren(`${name} `, make("span", "muted", rows.length.toLocaleString()))
  }
}

function drawHead({ ai_analysis_keywords: { scraped_product: product }, analysis_by: by, asin, listing, main_keyword, marketplace }, id) {
  at("result-title").textContent = product.title ?? `Product ${asin}`
  at("result-title").dir = "auto"
  const { price, reviews, brand } = product
  const facts = [
    brand, price && `${price.amount.toLocaleString([], { minimumFractionDigits: 2 })} ${price.currency}`,
    reviews?.rating && `${reviews.rating} of 5 stars`, main_keyword && `main keyword “${main_keyword}”`,
  ]
  at("product").replaceChildren(link(`${asin} · ${marketplace}`, listing.url), ...facts.filter(Boolean).map(one => ` · ${one}`))
  at("judged").textContent = judges(by)
  at("downloads").replaceChildren(...FILES.map(([text, query]) => download(text, `api/v1/job-results/${encodeURIComponent(id)}/download?${query}`)))
}

/** Who judged, and who wrote. */
function judges({ categories, intent, listing }) {
  const name = by => by === "rules" ? "stated rules" : `the language model ${by}`
  if (categories === intent && intent === listing) return `Judged and written by ${name(listing)}.`
  return `Categories by ${name(categories)}, intent by ${name(intent)}, the listing by ${name(listing)}.`
}

function download(text, path) {
  const node = make("a", "button", text)
  Object.assign(node, { href: path, download: "" })
  node.addEventListener("click", event => {
    // The browser itself follows the link without the key.
    if (!key.get()) return
    event.preventDefault()
    fetchFile(path).catch(trouble)
  })
  return node
}

async function fetchFile(path) {
  const answer = await request("GET", path)
  if (!answer.ok) throw await problemOf(answer)
  save(answer.headers.get("Content-Disposition").match(/filename="(.*)"/)[1], await answer.blob())
}

function drawNotes({ notes }) {
  at("notes").replaceChildren(...notes.map(note => make("p", "caution", note)))
}

function drawFigures({ ai_analysis_keywords, listing, seo_analysis: { analysis } }, chances) {
  const { coverage_improvement: coverage, volume_improvement: volume } = analysis.comparison
  const figures = [
    [ai_analysis_keywords.total_keywords.toLocaleString(), "keywords read"],
    [coverage.total_keywords.toLocaleString(), "belong to the product"],
    [volume.total_volume.toLocaleString(), "searches a month for those"],
    [chances.toLocaleString(), chances === 1 ? "opportunity" : "opportunities"],
    listing.read
      ? [`${percent(coverage.before_coverage_pct)} → ${percent(coverage.after_coverage_pct)}`, "covered by the listing"]
      : [percent(coverage.after_coverage_pct), "covered by the new listing"],
  ]
  at("figures").replaceChildren(...figures.map(([number, name]) => {
    const node = make("div")
    node.append(make("dt", "", name), make("dd", "", number))
    return node
  }))
}
