"""Keyword exports of an Amazon product, analysed: docs/sales.md."""
