"""The networks, each behind the interface of `base.Provider`."""
