// A profile with its posts and their comments, drawn as far as the person unfolds it: there may be thousands.
//
// All texts are put in as text. Pictures are not loaded until the person asks for them: who gives them would see that.
import { at, button, count, inParts, link, make, save, webAddress, when } from "./dom.js"

let pictures = []

export function drawPerson(result, name) {
  const alone = result.type === "post"
  pictures = []
  at("result").hidden = false
  at("who").classList.toggle("alone", alone)
  alone ? drawPostHead(result.post) : drawHead(result.profile.profile)
  const posts = alone ? [{ ...result.post.post, comments: result.post.comments, note: result.post.note }] : result.profile.posts
  at("posts-title").textContent = alone ? "" : count(posts.length, "post")
  const common = commonNotes(posts)
  at("notes").replaceChildren(...[...common].map(note => make("p", "caution", note)))
  at("posts-list").replaceChildren(...posts.map(post => drawPost(post, common)))
  if (!posts.length) at("posts-list").append(make("li", "empty", "This profile has no posts."))
  if (alone) at("posts-list").querySelector(".unfold")?.click()
  at("pictures").hidden = at("pictures-note").hidden = !pictures.length
  at("pictures").onclick = showPictures
  at("download").onclick = () => save(`${name}.json`, JSON.stringify(result, null, 2), "application/json")
}

export function hidePerson() {
  at("result").hidden = true
  at("posts-list").replaceChildren()
}

function drawHead(profile) {
  const name = profile.fullName || profile.username
  at("result-title").textContent = name
  at("handle").replaceChildren(link(`@${profile.username}`, profile.profileUrl))
  at("bio").textContent = profile.bio
  at("face").replaceChildren(make("span", "", [...name.trim()][0]?.toUpperCase() ?? "?"))
  picture(at("face"), profile.profilePicUrl)
  figures({ posts: profile.postCount, followers: profile.followers, following: profile.following })
}

function drawPostHead({ post, postUrl }) {
  at("result-title").textContent = "One post"
  at("handle").replaceChildren(link(postUrl, postUrl))
  at("bio").textContent = ""
  at("face").replaceChildren()
  figures({ likes: post.likeCount, comments: post.commentCount })
}

function figures(numbers) {
  at("figures").replaceChildren(...Object.entries(numbers).map(([name, number]) => {
    const row = make("div")
    row.append(make("dt", "", name), make("dd", "", number.toLocaleString()))
    return row
  }))
}

/** A picture that may be shown in `place` once the person asks for it. Only over TLS: none of the reader's own network. */
function picture(place, address) {
  if (webAddress(address)?.startsWith("https:")) pictures.push({ place, address })
}

function showPictures() {
  for (const { place, address } of pictures) {
    const image = Object.assign(make("img"), { alt: "", referrerPolicy: "no-referrer", loading: "lazy", src: address })
    image.addEventListener("error", () => image.remove())
    place.append(image)
  }
  pictures = []
  at("pictures").hidden = at("pictures-note").hidden = true
}

// ── a post ──

/** Notes that are the same on several posts are said once, above them. */
function commonNotes(posts) {
  const notes = posts.map(post => post.note).filter(Boolean)
  return new Set(notes.filter((note, place) => notes.indexOf(note) !== place))
}

function drawPost(post, common) {
  const node = make("li", "post pane")
  const head = make("header", "muted")
  const time = link(when(post.timestamp), post.url)
  head.append(time, make("span", "", count(post.likeCount, "like")))
  const body = make("p", "text", post.caption)
  body.dir = "auto"
  node.append(head, body)
  if (post.imageUrl) {
    const frame = make("p", "picture")
    frame.append(link("Picture", post.imageUrl))
    picture(frame, post.imageUrl)
    node.append(frame)
  }
  if (post.note && !common.has(post.note)) node.append(make("p", "caution", post.note))
  if (post.comments.length) node.append(unfolding(said(post), () => list(post.comments), "comments"))
  else if (!post.note) node.append(make("p", "muted", post.commentCount ? `${count(post.commentCount, "comment")}, none of them read` : "No comments"))
  return node
}

/** How many of a post's comments are here. */
function said(post) {
  const here = total(post.comments)
  return post.commentCount > here ? `${here.toLocaleString()} of ${count(post.commentCount, "comment")}` : count(here, "comment")
}

const total = comments => comments.reduce((sum, one) => sum + 1 + total(one.replies ?? []), 0)

/** A button that draws what `draw()` makes when it is first unfolded. */
function unfolding(text, draw, className) {
  const box = make("div", className)
  let drawn = null
  const node = button(text, () => {
    const open = node.getAttribute("aria-expanded") !== "true"
    node.setAttribute("aria-expanded", String(open))
    if (!drawn) box.append(drawn = draw())
    drawn.hidden = !open
  }, { className: "unfold" })
  node.setAttribute("aria-expanded", "false")
  box.append(node)
  return box
}

function list(comments) {
  const node = make("ul", "thread")
  inParts(node, comments, drawComment)
  return node
}

function drawComment(comment) {
  const node = make("li", "comment")
  const head = make("p", "by")
  head.append(make("strong", "", comment.username), make("span", "muted", when(comment.timestamp)))
  if (comment.likeCount) head.append(make("span", "muted", count(comment.likeCount, "like")))
  const body = make("p", "text", comment.text)
  body.dir = "auto"
  node.append(head, body)
  const replies = comment.replies ?? []
  if (replies.length) node.append(unfolding(count(total(replies), "reply", "replies"), () => list(replies), "replies"))
  return node
}
