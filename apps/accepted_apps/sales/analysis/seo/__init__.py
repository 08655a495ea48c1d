"""A listing measured against its keywords, and a better one written with them, within what Amazon takes."""
