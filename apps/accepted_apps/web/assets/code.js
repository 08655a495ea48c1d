// Foreign code, as text: with the numbers of its lines, remarks under them, and two versions beside each other.
import { copying, make } from "./dom.js"

const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g
/** Lines of two versions that are compared; longer ones stand beside each other without marks. */
const COMPARED = 1000

/** Characters that nobody sees, or that turn the order of others, by their names: code must look like what it does. */
export const visible = text => String(text ?? "").replace(/\r\n?/g, "\n").replace(UNSEEN, one => `⟨U+${one.codePointAt().toString(16).toUpperCase().padStart(4, "0")}⟩`)

/** `from`: the number of its first line. `remarks`: `{line, end, node, level}`, each under the last of its lines. */
export function drawCode(text, { label, from = 1, remarks = [] }) {
  const box = frame(label)
  const list = make("ol", "lines")
  for (const [place, line] of visible(text).split("\n").entries()) {
    const number = from + place
    const about = remarks.filter(one => one.line <= number && number <= one.end)
    list.append(row(line, String(number), about.length ? `hit ${about[0].level}` : ""))
    for (const one of about) if (one.end === number) list.append(remark(one.node, one.level))
  }
  box.append(list)
  return box
}

function remark(node, level) {
  const item = make("li", `remark ${level}`)
  item.append(node)
  return item
}

/** Two versions beside each other, or under each other where there is no room; what only one has is marked. */
export function drawBoth(current, improved, from) {
  const [before, after] = [current, improved].map(text => visible(text).split("\n"))
  const [gone, come] = changes(before, after)
  const node = make("div", "both")
  node.append(version("Current", current, before.map((line, place) => row(line, String(from + place), gone.has(place) ? "gone" : ""))))
  node.append(version("Improved", improved, after.map((line, place) => row(line, "", come.has(place) ? "come" : ""))))
  return node
}

function version(title, text, rows) {
  const node = make("div", "version")
  const box = frame(`${title} code`)
  const list = make("ol", "lines")
  list.append(...rows)
  box.append(list)
  const head = make("div", "version-head")
  head.append(make("h5", "", title), copying(() => text, list, `Copy the ${title.toLowerCase()} code`))
  node.append(head, box)
  return node
}

/** It scrolls by itself, by keys as well. */
function frame(label) {
  const box = make("div", "code")
  for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", label]]) box.setAttribute(name, value)
  return box
}

function row(line, number, className) {
  const node = make("li", `line ${className}`)
  node.dataset.number = number
  node.append(make("code", "", line || " "))
  return node
}

/** The places of lines that only the first has, and that only the second has: what is left of their longest common part. */
function changes(before, after) {
  const [gone, come] = [new Set(before.keys()), new Set(after.keys())]
  if (before.length > COMPARED || after.length > COMPARED) return [new Set(), new Set()]
  const longest = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1))
  for (let one = before.length - 1; one >= 0; one--) {
    for (let other = after.length - 1; other >= 0; other--) {
      longest[one][other] = before[one] === after[other] ? longest[one + 1][other + 1] + 1 : Math.max(longest[one + 1][other], longest[one][other + 1])
    }
  }
  for (let one = 0, other = 0; one < before.length && other < after.length;) {
    if (before[one] === after[other]) {
      gone.delete(one++)
      come.delete(other++)
    } else if (longest[one + 1][other] >= longest[one][other + 1]) one++
    else other++
  }
  return [gone, come]
}
