// A field for one file: chosen by its button, or dropped onto it; its name and size are shown, and it can be removed.
import { button, make, size } from "./dom.js"

/** The input holds the file, so that forms and errors find it where they find every field. `changed(file)` is told. */
export class Drop {
  constructor(node, changed = () => {}) {
    Object.assign(this, { node, changed, input: node.querySelector("input[type=file]"), given: node.querySelector(".given") })
    const { input } = this
    input.addEventListener("change", () => this.draw())
    for (const kind of ["dragenter", "dragover"]) node.addEventListener(kind, event => this.over(event, true))
    for (const kind of ["dragleave", "drop"]) node.addEventListener(kind, event => this.over(event, false))
    node.addEventListener("drop", ({ dataTransfer }) => {
      if (!dataTransfer.files.length) return
      const one = new DataTransfer()
      one.items.add(dataTransfer.files[0])
      input.files = one.files
      input.dispatchEvent(new Event("change"))
    })
    this.draw()
  }

  get file() {
    return this.input.files[0] ?? null
  }

  over(event, on) {
    // Else the browser would open the file in place of the page.
    event.preventDefault()
    if (!this.node.contains(event.relatedTarget)) this.node.classList.toggle("over", on)
  }

  remove() {
    this.input.value = ""
    this.input.focus()
    this.draw()
  }

  draw() {
    const { file } = this
    this.node.classList.toggle("full", Boolean(file))
    this.given.replaceChildren()
    if (file) {
      const what = make("span", "what")
      what.append(make("strong", "", file.name), make("span", "muted", size(file.size)))
      this.given.append(what, button("Remove", () => this.remove(), { label: `Remove ${file.name}` }))
    }
    this.changed(file)
  }
}

/** Outside of the fields, a dropped file is no reason to leave the page. */
for (const kind of ["dragover", "drop"]) addEventListener(kind, event => event.preventDefault())
