"""Where articles come from: feeds, front pages, tools of MCP servers."""
