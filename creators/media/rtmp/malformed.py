"""The one error of the parsers of this room."""


class Malformed(Exception):
    """What came is not RTMP, or more than any encoder has reason to send.

    Its text is made of our own words only: it is logged, and the bytes may hold a stream key.
    """
