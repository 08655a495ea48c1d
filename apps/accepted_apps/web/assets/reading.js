// How each export was read: as what, which columns were understood, which rows were left out and why.
import { capital, count, make } from "./dom.js"

const FIELDS = { revenue_csv: "Revenue export", design_csv: "Design export" }
const KINDS = {
  "cerebro": "Helium 10 Cerebro", "magnet": "Helium 10 Magnet", "datadive": "DataDive", "keyword-scout": "Jungle Scout Keyword Scout",
  "search-query-performance": "Amazon’s Search Query Performance", "top-search-terms": "Amazon’s Top Search Terms",
  "search-term-report": "a search-term report of Sponsored Products", "keywords": "a table of keywords",
}
const DELIMITERS = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes" }

const FIELD_WORDS = {
  phrase: "keyword", cpr: "CPR", iq_score: "IQ score", bid: "suggested bid", bid_min: "lowest suggested bid", bid_max: "highest suggested bid",
  sponsored_asins: "sponsored ASINs", competitor_rank_avg: "average rank of the competitors",
}
const words = name => FIELD_WORDS[name] ?? name.replaceAll("_", " ")

export function drawReading(place, reading, names) {
  place.replaceChildren(...Object.entries(reading).map(([field, report]) => {
    const box = make("details")
    const summary = make("summary")
    summary.append(make("strong", "", names[field] ?? FIELDS[field]), ` ${said(report)}`)
    box.append(summary)
    // Drawn when it is opened: a report may name two thousand columns.
    box.addEventListener("toggle", () => { if (box.children.length === 1) box.append(details(report)) })
    return box
  }))
}

function said({ kind, rows, dropped, merged, columns, not_understood }) {
  const out = dropped.reduce((sum, one) => sum + one.rows, 0)
  const known = Object.keys(columns).length
  return [
    `${count(rows, "row")}, read as ${KINDS[kind] ?? kind}`, `${known} of ${count(known + not_understood.length, "column")} understood`,
    out && `${count(out, "row")} left out`, merged && `${merged.toLocaleString()} put together`,
  ].filter(Boolean).join(" · ")
}

function details(report) {
  const box = make("div", "report")
  const list = make("dl")
  for (const [name, value] of facts(report)) {
    const row = make("div")
    row.append(make("dt", "", name), make("dd", "", value))
    list.append(row)
  }
  box.append(list, columnsOf(report), ...report.notes.map(note => make("p", "caution", note)))
  return box
}

function facts(report) {
  const { encoding, delimiter, sheet, header_line, preamble, decimal, dropped, merged, bounds, unreadable, not_understood } = report
  const form = encoding === "xlsx" ? `a workbook, of which the sheet “${sheet}” was read` : `text in ${encoding}, separated by ${DELIMITERS[delimiter] ?? `“${delimiter}”`}`
  const rows = [["File", form], ["Header", `in line ${header_line}${preamble.length ? `, below ${count(preamble.length, "other line")}` : ""}`], ["Decimal mark", decimal === "," ? "comma" : "point"]]
  for (const one of dropped) rows.push(["Left out", `${count(one.rows, "row")}: ${one.reason} (${one.lines.length > 1 ? "lines" : "line"} ${one.lines.join(", ")}${one.rows > one.lines.length ? " …" : ""})`])
  if (merged) rows.push(["Put together", `${count(merged, "row")} whose keyword stood further up`])
  if (bounds) rows.push(["Bounds", `${count(bounds, "cell")} such as “>306”, taken as the number`])
  for (const [header, cells] of Object.entries(unreadable)) rows.push(["No number", `${count(cells, "cell")} of “${header}”`])
  if (not_understood.length) rows.push(["Not used", not_understood.join(", ")])
  return rows
}

/** Header as written → what it was understood as; competitors, of which there may be hundreds, in one row. */
function columnsOf({ columns }) {
  const all = Object.entries(columns)
  const ranks = all.filter(([, field]) => field === "ranks").map(([header]) => header)
  const rows = all.filter(([, field]) => field !== "ranks").map(([header, field]) => [header, words(field)])
  if (ranks.length) rows.push([ranks.join(", "), `ranks of ${count(ranks.length, "competitor")}`])
  const table = make("table", "columns")
  const head = make("tr")
  head.append(...["Column", "Understood as"].map(name => Object.assign(make("th", "", name), { scope: "col" })))
  table.append(head, ...rows.map(([header, field]) => {
    const row = make("tr")
    row.append(make("td", "", header), make("td", "", capital(field)))
    return row
  }))
  return table
}
