"""The store on SQLite. Begin with `store.py`; then `writer.py`, `submitting.py`, `claiming.py`, `settling.py`."""

from accepted.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
