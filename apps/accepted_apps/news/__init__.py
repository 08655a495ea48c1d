"""News: sources are read, their articles fetched once and kept."""
