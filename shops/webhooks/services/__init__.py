"""Changes to tokens and outgoing webhooks, a file for each."""
