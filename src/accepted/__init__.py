"""accepted."""
