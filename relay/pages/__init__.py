"""The edge for people: pages that need no key."""
