"""Parameters of URLs that only say where a reader came from, by the names that vendors and newsrooms give them."""

from __future__ import annotations

import re

_PREFIXES = (
    # analytics
    "utm_", "pk_", "mtm_", "piwik_", "matomo_", "at_", "ns_", "wt_", "wt.", "hsa_", "__hs", "_hs", "cm_mm", "cm_ven",
    "cm_cat", "cm_pla", "cm_ite", "cm_sp", "cx_", "elq", "oly_", "stm_", "itm_", "gaa_", "_branch_", "trk_", "tblci",
    # social networks
    "fb_", "igsh", "share_", "intlink_", "pinned_post_", "pinned_post",
    # advertisements
    "gad_", "irclick", "asc_", "ml_subscriber", "mkt_",
    # newsrooms
    "lmd_", "sara_", "guce_", "guccounter", "soc_", "campaign_", "dg_", "wpisrc", "wpmm",
)  # fmt: skip
_CLICKS_OF_ADVERTISERS = """
    fbclid gclid gclsrc dclid gbraid wbraid msclkid msockid yclid ysclid ymclid ttclid twclid li_fat_id mibextid
    rdt_cid qclid sccid epik awc zanpid obclid dicbo oborigurl cjevent irgwc s_kwcid ef_id _openstat bd_vid
    wickedid rb_clickid _kx _ke vero_id vero_conv nr_email_referer vgo_ee spm scm napm vmcid tduid
"""
_NEWSLETTERS = (
    "mc_cid mc_eid mkt_tok ml_subscriber _bta_tid _bta_c omhide o_eid nl_cid email_id emc email_source sfmc_id"
)
_CAMPAIGNS = """
    _ga _gl xtor xts xtref xtcr s_cid cmp cmpid icid ocid ncid intcid intcmp int_cmp int_source int_medium int_campaign
    itid campaignid cvid ito hpt srsltid trk trkid action_object_map action_type_map action_ref_map ref_src ref_url
    referrer referer referringsource refsrc reflink reftype fsrc ftcamp sref srnd leadsource feedtype feedname taid
    hootpostid sfnsn mbid _amp amp_js_v usqp amp_gsa aoh __twitter_impression __twitter_clickid smid smtyp smprod sgrp
    regi_id segment_id segmentid sharetype sharefrom shareuid sharetoken unlocked_article_code utm wt_mc wt_zmc echobox
    cxrecs_s traffic_source link_source tdsourcetag isappinstalled from_source origin_source
"""
# They are nobody else's business.
_SESSIONS = "phpsessid jsessionid aspsessionid cfid cftoken sessionid session_id"
_NAMES = frozenset(" ".join((_CLICKS_OF_ADVERTISERS, _NEWSLETTERS, _CAMPAIGNS, _SESSIONS)).split())
_SOURCES = frozenset({"ref", "source", "src", "from", "via", "origin", "partner", "medium", "campaign", "r", "s", "f"})
"""Names under which some sites tell apart what they show: left out only where the value is a place to come from."""
_PLACE = re.compile(
    r"(?:(?:www|m|mobile|t|l|lm|amp|news|out)\.)?"
    r"(?:rss|feed|feeds|atom|twitter|x|facebook|fb|instagram|linkedin|whatsapp|wa|telegram|reddit|pinterest|bluesky|"
    r"mastodon|threads|tiktok|youtube|flipboard|upday|pocket|apple|google|googlenews|bing|msn|yahoo|e?mail|newsletter|"
    r"nl|push|home|homepage|hp|front|frontpage|index|start|startseite|teaser|top|topnews|nav|menu|breadcrumb|footer|"
    r"header|sidebar|related|recommended|recirc|mostread|most-read|popular|trending|share|shared|sharing|sharebar|"
    r"social|copy|copylink|link|app|ios|android|amp|web|widget|embed|search|seo|syndication|partner|direct|internal|"
    r"external|organic|site|mobile|desktop|push-notification|t\.co)"
    r"(?:\.(?:com|net|org))?(?:[-_ ](?:rss|feed|share|app|link|page|button|top|news|box|bar))?",
    re.IGNORECASE,
)


def is_tracking(name: str, value: str) -> bool:
    """Whether a parameter tells nothing of what is shown."""
    lower = name.lower()
    if lower in _NAMES or lower.startswith(_PREFIXES):
        return True
    return lower in _SOURCES and (not value or _PLACE.fullmatch(value) is not None)
