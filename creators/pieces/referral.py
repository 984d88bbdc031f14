"""The text on an order line that says which piece, creator and pin earned it.

`piece.<piece>.<creator>.<pin>.<signature>`: signed, so that nobody can credit a sale to themselves;
opaque to the shops; and the lines of one piece share a prefix that an index finds.
"""

from dataclasses import dataclass
from typing import Final

from django.core.signing import BadSignature, Signer

MAX_LENGTH: Final = 200
_KIND: Final = "piece"


@dataclass(frozen=True)
class Referral:
    piece_id: int
    creator_id: int
    # None: bought from the bag, not from a pinned card.
    pin_id: int | None


def _signer() -> Signer:
    return Signer(sep=".", salt="creators.pieces.referral")


def looks_like_ours(text: str) -> bool:
    """Tell whether a text begins as a referral to a piece does, signed by us or not."""
    return text.startswith(f"{_KIND}.")


def prefix(piece_id: int) -> str:
    """Return what the referral of every line that a piece earned starts with."""
    return f"{_KIND}.{piece_id}."


def show_of(referral: str) -> str:
    """Name the show that a sale was made in, so that its goods travel together; "" for none."""
    found = read(referral)
    return f"{_KIND}.{found.piece_id}" if found else ""


def payee_of(referral: str) -> str:
    """Name who is owed the commission of a sale, as the shops' books know them; "" for nobody."""
    found = read(referral)
    return f"creator:{found.creator_id}" if found else ""


def make(piece_id: int, creator_id: int, pin_id: int | None = None) -> str:
    """Write a signed referral of at most 200 characters."""
    return _signer().sign(f"{prefix(piece_id)}{creator_id}.{pin_id or 0}")


def read(text: str) -> Referral | None:
    """Read a referral; None for one that is empty, altered or not ours."""
    if not text or len(text) > MAX_LENGTH:
        return None
    try:
        kind, piece, creator, pin = _signer().unsign(text).split(".")
        if kind != _KIND:
            return None
        return Referral(piece_id=int(piece), creator_id=int(creator), pin_id=int(pin) or None)
    except (BadSignature, ValueError):
        return None
