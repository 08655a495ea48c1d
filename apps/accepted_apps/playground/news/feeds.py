"""The feeds of the papers, each in a dialect of its own."""

import json
from email.utils import format_datetime
from xml.sax.saxutils import escape

from accepted_apps.playground.news.papers import Paper
from accepted_apps.playground.news.stories import Story


def rss(paper: Paper, site: str, *, full: bool = False) -> str:
    """RSS 2.0 with tracking parameters, Dublin Core and media; with `full` the texts too."""
    items = "".join(_item(paper, story, site, full=full) for story in paper.stories)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"><channel>'
        f"<title>{escape(paper.title)}</title><link>{site}/news/{paper.name}/</link>{items}</channel></rss>\n"
    )


def _item(paper: Paper, story: Story, site: str, *, full: bool) -> str:
    link = escape(f"{site}{paper.url(story)}?utm_source=rss&utm_medium=feed&utm_campaign={paper.name}")
    text = "".join(f"<p>{escape(line)}</p>" for line in story.text.splitlines())
    content = f"<content:encoded><![CDATA[{text}]]></content:encoded>" if full else ""
    return (
        f'<item><title>{escape(story.title)}</title><link>{link}</link><guid isPermaLink="false">{story.number}</guid>'
        f"<dc:creator>{escape(story.author)}</dc:creator><category>{escape(story.section)}</category>"
        f"<pubDate>{format_datetime(story.published)}</pubDate><description>{escape(story.lead)}</description>"
        f'<media:content url="{site}/news/picture/{story.number}.svg" medium="image"/>{content}</item>\n'
    )


def doubled(paper: Paper, site: str) -> str:
    """The same, and the first article under two more addresses: the AMP page and a printable one."""
    story = paper.stories[0]
    more = "".join(
        f"<item><title>{escape(story.title)}</title><link>{site}{paper.url(story)}{end}</link></item>"
        for end in ("/amp", "?print=1")
    )
    return rss(paper, site).replace("</channel>", f"{more}</channel>")


def atom(paper: Paper, site: str) -> str:
    """Atom with relative links under xml:base, and titles as HTML."""
    entries = "".join(
        f'<entry><title type="html">{escape(escape(story.title))}</title><id>tag:{paper.name},2026:{story.number}</id>'
        f'<link rel="alternate" href="{paper.path(story)}"/><author><name>{story.author}</name></author>'
        f"<published>{story.published.isoformat()}</published><updated>{story.published.isoformat()}</updated>"
        f'<category term="{escape(story.section)}"/><summary>{escape(story.lead)}</summary></entry>\n'
        for story in paper.stories
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
        f'xml:base="{site}/news/{paper.name}/"><title>{paper.title}</title><id>tag:{paper.name},2026</id>{entries}</feed>\n'
    )


def json_feed(paper: Paper, site: str) -> str:
    """JSON Feed 1.1 with the texts."""
    items = [
        {
            "id": str(story.number),
            "url": site + paper.url(story),
            "title": story.title,
            "summary": story.lead,
            "content_html": "".join(f"<p>{line}</p>" for line in story.text.splitlines()),
            "date_published": story.published.isoformat(),
            "authors": [{"name": story.author}],
            "tags": list(story.tags),
            "image": f"{site}/news/picture/{story.number}.svg",
        }
        for story in paper.stories
    ]
    head = {"version": "https://jsonfeed.org/version/1.1", "title": paper.title}
    document = head | {"home_page_url": f"{site}/news/{paper.name}/", "items": items}
    return json.dumps(document, ensure_ascii=False)
