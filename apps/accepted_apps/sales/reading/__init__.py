"""Keyword exports, read whatever tool, language, encoding and spelling they come in: docs/sales.md, Reading."""
