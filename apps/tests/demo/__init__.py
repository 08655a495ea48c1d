"""`make demo`, as a process of its own."""
