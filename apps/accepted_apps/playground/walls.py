"""Pages that turn clients away, as the known vendors do: by address, by headers, by script, by asking a person."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from accepted_apps.playground.pages import Page, Section, html, listing_response, number, ray_id, render, state_of

CLEARANCE_COOKIE = "cf_clearance"
CONSENT_COOKIE = "consent"


async def address(request: Request) -> Response:
    """Only proxied addresses are let in."""
    if state_of(request).is_proxied(request):
        return listing_response("Members' prices", "Your network may read this page.")
    return _cloudflare_block(request)


async def rotate(request: Request) -> Response:
    """A few requests per address, then none."""
    state = state_of(request)
    asked = state.count("rotate", request.query_params.get("key", ""), state.client_of(request))
    if asked <= number(request, "limit", 2, most=1000):
        return listing_response("Fair shares", "Every address gets a few looks at this page.")
    return _cloudflare_block(request)


async def headers(request: Request) -> Response:
    """Only clients that present themselves as a browser does are let in."""
    if _looks_like_a_browser(request):
        return listing_response("For browsers", "You look like a browser.")
    return html(
        "walls/cloudfront.html",
        status=403,
        headers={"Server": "CloudFront", "X-Cache": "Error from cloudfront", "Via": "1.1 edge (CloudFront)"},
        reference=ray_id(request),
    )


async def challenge(request: Request) -> Response:
    """A script has to run, then the page comes; ?kb= pads the interstitial."""
    if _is_cleared(request):
        return listing_response("Past the interstitial", "Your browser ran the script, so here is the page.")
    return _interstitial(request)


async def climb(request: Request) -> Response:
    """All three tiers: the address is refused, then a script is asked for, then the page comes."""
    if _is_cleared(request):
        return listing_response("The view from the top", "Three tiers up: this is the page itself.")
    if state_of(request).is_proxied(request):
        return _interstitial(request)
    # The wall of the direct address carries the script too, unannounced: a browser may come without a proxy.
    return _cloudflare_block(request, token=state_of(request).new_token())


async def captcha(request: Request) -> Response:
    """A person is asked for, and nothing else helps."""
    turnstile = request.query_params.get("vendor") == "turnstile"
    if turnstile:
        return html(
            "walls/turnstile.html", status=403, headers={"CF-Mitigated": "challenge"}, reference=ray_id(request)
        )
    return html("walls/hcaptcha.html", status=403, reference=ray_id(request))


async def consent(request: Request) -> Response:
    """A page about cookies stands in place of the content until something was chosen."""
    if CONSENT_COOKIE in request.cookies:
        return listing_response("After the cookies", "You have chosen; here is what you came for.")
    return html("walls/consent.html")


async def consent_choice(request: Request) -> Response:
    """Either button of the consent wall."""
    # Which one makes no difference, but a body left unread would end the connection with a reset.
    await request.body()
    response = RedirectResponse("/consent", status_code=303)
    response.set_cookie(CONSENT_COOKIE, "chosen", samesite="lax")
    return response


async def akamai(request: Request) -> Response:
    """Akamai's refusal: its reference number is written in character references."""
    if state_of(request).is_proxied(request):
        return listing_response("Delivered", "Your network may read this page.")
    return html(
        "walls/akamai.html",
        status=403,
        headers={"Server": "AkamaiGHost"},
        url=_in_references(str(request.url)),
        reference=_in_references(f"#18.{ray_id(request)[:8]}.1763791200.{ray_id(request)[8:]}"),
    )


async def imperva(request: Request) -> Response:
    """Imperva's refusal, which comes with status 200 and a frame."""
    if state_of(request).is_proxied(request):
        return listing_response("Incident closed", "Your network may read this page.")
    incident = f"{int(ray_id(request), 16):020d}"
    response = html("walls/imperva.html", headers={"X-CDN": "Imperva"}, incident=incident)
    response.set_cookie("visid_incap_2915174", "pGmZ0t1x")
    response.set_cookie("incap_ses_1560_2915174", "Lk9vB3s")
    return response


def _is_cleared(request: Request) -> bool:
    return state_of(request).is_cleared(request.cookies.get(CLEARANCE_COOKIE))


def _looks_like_a_browser(request: Request) -> bool:
    sent = request.headers
    agent = sent.get("user-agent", "")
    # Chromium names its brands beside the user agent; a client that only copies the latter is found out.
    has_brands = "sec-ch-ua" in sent or "Chrome/" not in agent
    return (
        agent.startswith("Mozilla/5.0 (")
        and "text/html" in sent.get("accept", "")
        and "accept-language" in sent
        and has_brands
    )


def _cloudflare_block(request: Request, *, token: str = "") -> Response:
    return html(
        "walls/blocked.html",
        status=403,
        headers={"Server": "cloudflare", "CF-Ray": f"{ray_id(request)}-FRA", "Cache-Control": "no-store"},
        client=state_of(request).client_of(request),
        reference=ray_id(request),
        token=token,
    )


def _interstitial(request: Request) -> Response:
    padding = render("walls/padding.html", lines=int(number(request, "kb", 0, most=10_000)))
    return html(
        "walls/challenge.html",
        status=403,
        headers={
            "Server": "cloudflare",
            "CF-Ray": f"{ray_id(request)}-FRA",
            "CF-Mitigated": "challenge",
            "Cache-Control": "no-store",
        },
        reference=ray_id(request),
        token=state_of(request).new_token(),
        padding=padding,
    )


def _in_references(text: str) -> str:
    """Punctuation as numeric character references, as Akamai writes it."""
    return "".join(char if char.isalnum() else f"&#{ord(char)};" for char in text)


SECTION = Section(
    "Walls",
    (
        Page("/address", "By address", "403 for your own address, open to proxied ones.", "tier 2", address),
        Page(
            "/rotate?limit=2",
            "By count",
            "403 after ?limit= requests from one address; ?key= starts anew.",
            "tier 1, then tier 2 through one proxy after another",
            rotate,
        ),
        Page("/headers", "By headers", "403 unless the request looks like a browser's.", "tier 1", headers),
        Page(
            "/challenge",
            "Browser challenge",
            "“Just a moment...”: a script computes a cookie and reloads; no person needed. ?kb= pads it.",
            "tier 3",
            challenge,
        ),
        Page(
            "/climb",
            "All three tiers",
            "403 by address, then a browser challenge through a proxy, then the page.",
            "tier 1, tier 2, tier 3",
            climb,
        ),
        Page(
            "/captcha",
            "CAPTCHA",
            "Asks for a person (hCaptcha; ?vendor=turnstile for the other).",
            "fails and says that a person is asked for",
            captcha,
        ),
        Page(
            "/consent",
            "Consent wall",
            "Status 200 and nothing but a question about cookies until a button is pressed.",
            "a sign of a wall in every tier",
            consent,
        ),
        Page(
            "/akamai",
            "Akamai",
            "403 by address, with the reference number in character references.",
            "tier 2",
            akamai,
        ),
        Page("/imperva", "Imperva", "Refused by address with status 200 and a frame.", "tier 2", imperva),
    ),
)
