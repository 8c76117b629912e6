"""Pages for people who got a mail."""
