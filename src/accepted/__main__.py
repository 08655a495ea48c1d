"""`python -m accepted` is `accepted`."""

from accepted.cli import main

main()
