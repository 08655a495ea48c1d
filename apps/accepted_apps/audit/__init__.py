"""Slow endpoints of a running service, matched with the code that answers them."""
