"""Real WordPress sites for tests and for trying Postreeve out.

Takes WordPress from Debian's own packages without installing it, starts a private MariaDB,
lays and installs a site, puts `wp-plugin/` into it and serves it with PHP's built-in server.
Nothing in here talks to any machine but this one, except apt while a tree is first prepared.
"""
