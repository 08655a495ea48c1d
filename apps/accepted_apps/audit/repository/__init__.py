"""A repository's files, from a git server or this machine: fetched within bounds, never run, gone afterwards."""
