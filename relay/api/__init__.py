"""The edge for programs: authenticate, read, call one service, write."""
