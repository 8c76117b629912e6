"""The rules: pure functions of values. No web, no database, no network, no clock."""
