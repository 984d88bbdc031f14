"""Open scores of creators (scoring.md)."""
