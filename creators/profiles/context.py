"""What every page knows of the signed-in user: the creator they are, and what they may see."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from creators.profiles.queries import creator_of, sees_all_scores


def my_creator(request: HttpRequest) -> dict[str, object]:
    return {
        "my_creator": SimpleLazyObject(lambda: creator_of(request.user)),
        "sees_all_scores": SimpleLazyObject(lambda: sees_all_scores(request.user)),
    }
