"""A product's page on Amazon, fetched through the preview's tiers and read into a product: docs/sales.md, Reading."""
