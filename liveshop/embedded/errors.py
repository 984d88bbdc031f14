"""What can go wrong with the embedded servers."""


class EmbeddedError(Exception):
    """The embedded servers can't be had; the message says what happened and what to do."""
