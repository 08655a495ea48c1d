"""Where jobs are kept: one set of ports, one implementation a file."""
