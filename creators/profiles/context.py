"""What every page knows of the signed-in user: the creator they are, if they are one."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from creators.profiles.models import Creator


def my_creator(request: HttpRequest) -> dict[str, object]:
    def find() -> Creator | None:
        if not request.user.is_authenticated:
            return None
        return Creator.objects.filter(user_id=request.user.pk).first()

    return {"my_creator": SimpleLazyObject(find)}
