"""The API as a client sees it: status, problem type, body."""
