"""What makes a handler slow: its complexity, what the rules find in it and in what it calls, and what to do about
it."""

from .examiner import Examiner

__all__ = ["Examiner"]
