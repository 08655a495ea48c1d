"""Applications built on `accepted`."""
