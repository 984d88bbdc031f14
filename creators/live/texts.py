"""The words that the scripts of the live pages write, in the reader's language."""

import json

from django.utils.translation import gettext as _


def for_viewer() -> str:
    """Return the viewer page's words as JSON; {…} is filled in by the script."""
    return json.dumps(
        {
            "left": _("{n} left"),
            "soldOut": _("Sold out"),
            "from": _("from {price}"),
            "reconnecting": _("Reconnecting…"),
            "degraded": _("News arrives late at the moment."),
            "lost": _("No connection. The page goes on when it is back."),
            "muted": _("The host has muted you until {time}."),
            "deleted": _("Deleted"),
            "bought": _("{name} bought {title}"),
            "inCart": _("“{title}” is in your cart."),
            "failed": _("That did not work. Try again."),
            "ended": _("The show has ended"),
            "cancelled": _("The show was cancelled"),
            "chatOpen": _("Say something nice"),
            "chatClosed": _("The chat is closed"),
            "pinned": _("Now on show: {title}"),
        }
    )


def for_host() -> str:
    """Return the console's words as JSON; {…} is filled in by the script."""
    return json.dumps(
        {
            "left": _("{n} left"),
            "soldOut": _("Sold out"),
            "from": _("from {price}"),
            "reconnecting": _("Reconnecting…"),
            "degraded": _("News arrives late at the moment."),
            "lost": _("No connection. The page goes on when it is back."),
            "connected": _("Connected"),
            "failed": _("That did not work. Try again."),
            "delete": _("Delete"),
            "mute": _("Mute 10 min"),
            "undoMute": _("Undo mute"),
            "until": _("until {time}"),
            "deleted": _("Deleted"),
            "bought": _("{name} bought {title}"),
        }
    )
