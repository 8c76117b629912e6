"""The use cases: one function is one thing the relay does, inside the caller's transaction."""
