"""Tests of how news sources are read, over real sockets on loopback."""
