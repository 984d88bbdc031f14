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
            "nowLive": _("You are live."),
            "failed": _("That did not work. Try again."),
            "delete": _("Delete"),
            "mute": _("Mute 10 min"),
            "undoMute": _("Undo mute"),
            "until": _("until {time}"),
            "deleted": _("Deleted"),
            "bought": _("{name} bought {title}"),
            **_of_picture(),
        }
    )


def _of_picture() -> dict[str, str]:
    """What the console says of the picture."""
    return {
        "copied": _("Copied"),
        "notCopied": _("Not copied: select it and copy it by hand."),
        "reconnectingFor": _("Reconnecting… {seconds} s"),
        "noPicture": _("No picture"),
        "pictureComes": _("A picture is coming in."),
        "pictureLost": _("The picture is gone. The show goes on, and waits for it."),
        "pictureNone": _("No picture yet. Send one from an encoder or from this browser."),
        "originAway": _("The video server does not answer. The show goes on."),
        "kbps": _("{n} kbit/s"),
        "everySeconds": _("every {n} s"),
        "seconds": _("{n} s"),
        "framesOf": _("{frames}, {dropped} dropped"),
        "recording_off": _("not yet"),
        "recording_on": _("on"),
        "recording_failing": _("failing"),
        "adviceRecording": _(
            "The picture can't be recorded at the moment: the replay will miss this part."
        ),
        "adviceDisk": _("The video server has trouble with its disk: {what}"),
        "adviceKey": _(
            "Key frames come every {n} s: set the keyframe interval to 1 or 2 s in your encoder."
            " Until then viewers wait longer for the picture, and see it later."
        ),
        "adviceBitrate": _(
            "You send {n} kbit/s, more than the {most} that are taken. Lower the bitrate, or the"
            " picture is cut off."
        ),
        "adviceStalled": _("Nothing has come in for seconds. Check your connection."),
        "adviceSilent": _("No sound comes in. Choose a microphone, or an AAC audio track."),
        "adviceDropped": _(
            "Frames are being dropped. Lower the bitrate, or the size of the picture."
        ),
        "adviceLate": _(
            "The picture comes in late by {n} s: your connection is too slow for what you send."
        ),
    }
