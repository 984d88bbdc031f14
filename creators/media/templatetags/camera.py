"""{% camera address_url=… language=… is_on_air=… %} puts the browser's camera into a page."""

from django import template

from creators.media.texts import for_camera

register = template.Library()


@register.inclusion_tag("media/camera.html")
def camera(address_url: str, language: str = "", is_on_air: bool = False) -> dict[str, object]:
    """Return what the part needs.

    :param address_url: answers a POST with {"url": …, "max_kbps": …}
    :param language: what is spoken, for the captions
    :param is_on_air: viewers see what is sent
    """
    return {
        "address_url": address_url,
        "language": language,
        "is_on_air": is_on_air,
        "texts": for_camera(),
    }
