"""The published grace: how much later than the server's clock a viewer may keep to a deadline.

Viewers see a deadline when their picture gets there. What they do then is judged by the server's
time with this grace: the 95th percentile of the lags that pages told in the last minute, rounded up
to half a second, five seconds at most; two seconds while nobody has told any. Pages get it with the
counts (`grace_ms`). A show's deadline, such as the end of a price, is kept when
`now <= deadline + grace_of(piece_id)`; the chat takes it as a parameter.
"""

from datetime import timedelta

from creators.stage import publishing, rooms


def grace_of(piece_id: int) -> timedelta:
    """Read a show's grace; the default when Valkey does not answer."""
    reading = publishing.read(rooms.live_room(piece_id))
    return timedelta(milliseconds=rooms.GRACE_MS if reading is None else reading.grace_ms)
