"""The news application's memory: articles with full-text search, the registry of sources, fetched pages."""
