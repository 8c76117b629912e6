"""The use cases, with a database."""
