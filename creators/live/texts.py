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
            "bought": _("{name} bought {title}"),
            "inCart": _("“{title}” is in your cart."),
            "failed": _("That did not work. Try again."),
            "ended": _("The show has ended"),
            "cancelled": _("The show was cancelled"),
            "chatOpen": _("Say something nice"),
            "chatClosed": _("The chat is closed"),
            "chatSoon": _("Opens with the show"),
            **_of_chat(),
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
            "mute10": _("Mute 10 min"),
            "lift": _("Lift"),
            "until": _("until {time}"),
            "noEnd": _("without an end"),
            "wholeShow": _("for the whole show"),
            "banned": _("banned"),
            "show": _("Show"),
            "reject": _("Reject"),
            "undoneBefore": _("undone"),
            "nothing": _("Nothing."),
            "waitingLines": _("Waiting lines"),
            "rules": _("Rules"),
            "slow": _("Slow mode: one line every"),
            "hold": _("Show lines after"),
            "off": _("off"),
            "rulesHold": _("The rules hold from now on."),
            "whatWasDone": _("What was done"),
            "isShown": _("The line is shown."),
            "isRejected": _("The line stays hidden."),
            "why_flood": _("too many at once"),
            "why_filter": _("a filter: {words}"),
            "why_held": _("shown at {time}"),
            "bought": _("{name} bought {title}"),
            **_of_chat(),
            **_of_picture(),
        }
    )


def _of_chat() -> dict[str, str]:
    """What a chat's scripts say on both pages."""
    return {
        # Lines.
        "badge_host": _("Host"),
        "badge_moderator": _("Moderator"),
        "quoteGone": _("A line that was deleted"),
        "held": _("shown in a moment"),
        "withheld": _("waits for a moderator"),
        "rejected": _("not shown: a moderator decided so"),
        "newLines": _("{n} new"),
        "toEnd": _("To the newest"),
        "unread": _("New"),
        "gap": _("Lines may be missing here: you were away for a while."),
        "dismiss": _("Hide this line"),
        "lineMenu": _("What can be done with this line"),
        # Writing.
        "muted": _("You are muted until {time}."),
        "muted_show": _("You are muted for this show."),
        "muted_creator": _("You are muted in all shows of this creator."),
        "reason": _("Reason: {reason}"),
        "appeal": _("Say what you think of it"),
        "appealed": _("What you said about it"),
        "ruleSlow": _("Slow mode: one line every {n} s"),
        "ruleFollowers": _("Only followers may write"),
        "ruleHold": _("Lines are shown after {n} s"),
        "busy": _("Very busy: you see some of the lines"),
        "follow": _("Follow"),
        "slowWait": _("Slow mode: wait {n} s."),
        "answering": _("Answering {name}:"),
        "answerNobody": _("Answer nobody"),
        "names": _("People in this chat"),
        "emoji": _("Emoji"),
        "emojiKeys": _("More: {keys}"),
        "emojiTouch": _("More are on your keyboard."),
        # A line's menu.
        "reply": _("Reply"),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "close": _("Close"),
        "cancel": _("Cancel"),
        "delete": _("Delete"),
        "deleted": _("Deleted"),
        "undo": _("Undo"),
        "undone": _("It is undone."),
        "pinLine": _("Pin above the chat"),
        "unpinLine": _("Take down"),
        "linePinned": _("The line is pinned."),
        "unpinned": _("The line is taken down."),
        "mute": _("Mute…"),
        "ban": _("Ban…"),
        "muteWhom": _("Mute {name} for how long?"),
        "banWhom": _("Ban {name}?"),
        "banText": _("They leave the show at once, are told why, and can answer."),
        "why": _("Reason (they can read it)"),
        "mute60": _("1 minute"),
        "mute600": _("10 minutes"),
        "muteShow": _("The whole show"),
        "muteAll": _("All shows of this creator"),
        "banShow": _("Ban from this show"),
        "banAll": _("Ban from all shows"),
        "isMuted": _("{name} is muted."),
        "isBanned": _("{name} is banned."),
        # Questions.
        "chatAndQuestions": _("Chat and questions"),
        "chatTab": _("Chat"),
        "questionsTab": _("Questions"),
        "answered": _("Answered"),
        "wantToo": _("Me, too: {n} want this answered"),
        "anythingElse": _("Anything else"),
    }


def _of_picture() -> dict[str, str]:
    """What the console says of the picture."""
    return {
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
