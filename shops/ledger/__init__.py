"""Double-entry books: accounts, journals, entries."""
