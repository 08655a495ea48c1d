"""Pages that are hard to select in, for tests of the elements and of the signs."""

from __future__ import annotations

SHOP = """<!doctype html><html lang=en><head><title> A  shop </title>
<noscript><img src=/pixel.gif><style>x{}</style></noscript><style>p{}</style></head><body>
<header><nav><ul><li><a href=/>Home</a><li><a href=/about>About</a></ul></nav></header>
<main><h1 id=top>Lamps &amp; <em>more</em></h1>
<p class=lead>Light for <b>every</b> room.<p>Second, unclosed
<table><tr><th>Lamp<td>€ 12.50<tr><th>Bulb<td>$3</table>
<div><div><div data-testid="price">19,99 €</div></div></div>
<ul><li>one<li>two<li class=x>three</ul>
<noscript><div><p>Please enable JavaScript</div><p></noscript>
<img src=a.png alt="A lamp"><img src=b.png alt='Another "lamp"'>
<article><h2>Title</h2><h2>Title</h2><time datetime=2026-01-01>1 January</time></article>
</main><footer><p>Imprint</footer></body></html>"""

ODD = """<html><body>
<div id="a b">space</div><div id='q"uote'>quote</div><div id="q'uote">apostrophe</div><div id="both'&quot;">both</div>
<div id="1st">digit</div><div id="a.b:c#d>e">dots</div><div id="üñí">letters</div><div id="line&#10;break">break</div>
<div id="back\\slash">slash</div><div id="">empty</div><div id="]">bracket</div><div id="emoji😀">emoji</div>
<div id=twice>one</div><div id=twice>two</div><div id=Case>upper</div><div id=case>lower</div>
<template><p id=inside>never seen</p><div id="1st">no</div></template><p id=inside>seen</p>
<svg aria-label="chart" width=9 height=9><text>svg text</text><a href=x><text>in svg</text></a>
<foreignObject><p>html in svg</p></foreignObject></svg>
<svg><linearGradient id=grad /></svg>
<math><mi>x</mi></math><p>after the math</p>
<x-card><p>in a custom element</p></x-card><foo:bar><p>in a name with a colon</p></foo:bar><b:c>colon</b:c>
<table><caption>cap</caption><colgroup><col></colgroup><thead><tr><td>h</thead><tr><td>b<tbody><tr><td>c
<tfoot><tr><td>f</table><table>text<tr><td>fostered</td></tr><p>foster</p></table>
<p>one<div>in p?</div></p><a href=1>x<a href=2>nested</a></a><b><p>misnested</b>text</p>
<form><form><p>form in form</p></form></form><select><option>o<optgroup label=z><option>p</select>
<ul><li>a<ul><li>b</ul><li>c</ul><dl><dt>t<dd>d<dt>u</dl><h1>h<h2>i</h2></h1>
<button>Buy<button>Twice</button></button><textarea name=t>typed</textarea><input name=q placeholder=Search>
<p name="n">by name</p><p name="m">m1</p><p name="m">m2</p><image src=x alt=img><br/><p/>self<span/>closing
<iframe src="about:blank">in iframe</iframe><frameset></frameset><p hidden>hidden</p><p style="display:none">gone</p>
<!-- <noscript> --><p>after a comment with noscript</p><script>"<noscript>"</script><p>after a script</p>
<noscript><p>no script</p></p></noscript><p>after noscript</p><style><noscript></style><p>after style</p>
<title>second title</title><plaintext><p>raw
"""

FRAGMENT = "just text, <b>no</b> document<td>cell</td><li>item"
XHTML = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>strict</p><div/><p>after</p></body></html>'
DEEP = "<div>" * 700 + "<p>deep</p>" + "</div>" * 700 + "<p>shallow</p>"
HEAD_NOSCRIPT = (
    "<!doctype html><head><title>T</title><noscript><div><p>x</p></div><iframe src=y></iframe></noscript>"
    "<link rel=x></head><body class=b><div><p>first</p></div><div><p>second</p><p>third</p></div></body>"
)
MANY = "<body>" + "".join(f"<p>{n} {'x' * 400}</p>" for n in range(500))

HARD = {
    "shop": SHOP,
    "odd": ODD,
    "fragment": FRAGMENT,
    "xhtml": XHTML,
    "deep": DEEP,
    "head noscript": HEAD_NOSCRIPT,
    "many": MANY,
    "quirks": SHOP.removeprefix("<!doctype html>"),
    "empty": "",
    "text": "only words",
    "nul": "<p>a\x00b</p><p id='x\x00'>c</p><div id=\x01>d</div>",
    "frameset": "<html><frameset><frame src=about:blank></frameset></html>",
}
