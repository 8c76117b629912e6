"""What bounce diagnosis is worth: scores, cross-validation and speed (docs/bounces.md)."""
