// Builds the product list of the JavaScript-only page from the shop's API.
function element(name, properties, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

function card(product) {
  const image = element("img", { src: `/images/${product.hue}.svg`, alt: product.name, width: 320, height: 200 });
  const link = element("a", { href: `/products/${product.sku}` }, product.name);
  const body = element(
    "div",
    { className: "body" },
    element("h2", {}, link),
    element("p", {}, product.maker),
    element("p", { className: "price" }, product.price),
    element("p", {}, `★ ${product.rating} · ${product.reviews} reviews · ${product.stock}`),
  );
  return element("article", { className: "card" }, image, body);
}

const answer = await fetch("/api/products.json");
const products = await answer.json();
document.title = "Built in the browser · Playground";
document.getElementById("root").replaceChildren(
  element(
    "main",
    {},
    element("h1", {}, "Built in the browser"),
    element("p", { className: "note" }, `${products.length} things, fetched as JSON and drawn by a script.`),
    element("div", { className: "grid" }, ...products.map(card)),
  ),
);
