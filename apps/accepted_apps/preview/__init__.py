"""One page, fetched through tiers: plain HTTP, HTTP through proxies, a browser."""
