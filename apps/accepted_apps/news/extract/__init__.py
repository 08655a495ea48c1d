"""From the bytes of a news page to its article: text, metadata, media. No network, no state between calls."""
