"""Keywords judged, and a listing written with them. Pure functions: nothing is fetched, nothing is random."""
