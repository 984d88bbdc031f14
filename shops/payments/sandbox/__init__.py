"""A payment provider to try things with: its own process, its own state, HTTP and webhooks only.

No Django here: liveshop talks to it as it would to a stranger. `cards` and `keys` are plain data
and may be imported from the shop's side.
"""
