"""The words that the camera's script writes, in the reader's language."""

import json

from django.utils.translation import gettext as _


def for_camera() -> str:
    """Return the camera's words as JSON; {…} is filled in by the script."""
    return json.dumps(
        {
            "off": _("The camera is off"),
            "opening": _("Opening the camera…"),
            "preview": _("Preview: nothing is sent yet"),
            "connecting": _("Connecting…"),
            "sending": _("Sending. Only you see it until you go live."),
            "onAir": _("On air: viewers see you"),
            "reconnecting": _("Connection lost, reconnecting…"),
            "refused": _("Stopped"),
            "sends": _("{kbps} kbit/s"),
            "slow": _(
                "Your connection is too slow for this quality. A smaller picture is sent when "
                "it begins anew; choose 480p, or come closer to the Wi-Fi."
            ),
            "denied": _(
                "The browser may not use your camera. Allow camera and microphone for this page "
                "(the icon beside its address), then try again."
            ),
            "none": _("No camera was found. Plug one in, then try again."),
            "inUse": _("Another program is using the camera. Close it, then try again."),
            "noMicrophone": _("No microphone was found: viewers will see you, but not hear you."),
            "notSecure": _("Browsers open a camera only on pages whose address begins with https."),
            "noSupport": _(
                "This browser can't send a picture. Use a newer one, or send with an encoder "
                "such as OBS."
            ),
            "unplugged": _("The device you were using is gone. Another one has taken its place."),
            "unknown": _("That did not work. Try again."),
            "signIn": _("You are no longer signed in. Reload the page."),
            "noCaptions": _("Live captions don't work in this browser at the moment."),
            "cameraN": _("Camera {n}"),
            "microphoneN": _("Microphone {n}"),
        }
    )
