"""Tests of the guard and of the preview's engine, through real sockets on loopback."""
