"""Middleware of Django's, without what it does for sites of another kind at each request."""

from functools import partial

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.messages.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject, empty


class LanguageMiddleware(LocaleMiddleware):
    """Django's, which looks for no language in a path while no route begins with one."""

    def process_request(self, request: HttpRequest) -> None:
        if _is_in_paths(request):
            super().process_request(request)
            return
        translation.activate(translation.get_language_from_request(request))
        request.LANGUAGE_CODE = translation.get_language()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if _is_in_paths(request):
            return super().process_response(request, response)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language())
        return response


class MessagesMiddleware(MessageMiddleware):
    """Django's, which makes what keeps messages when one is left or shown, not beforehand."""

    def process_request(self, request: HttpRequest) -> None:
        vars(request)["_messages"] = SimpleLazyObject(partial(default_storage, request))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if getattr(getattr(request, "_messages", None), "_wrapped", None) is empty:
            return response
        return super().process_response(request, response)


def _is_in_paths(request: HttpRequest) -> bool:
    is_used, _ = is_language_prefix_patterns_used(
        getattr(request, "urlconf", settings.ROOT_URLCONF)
    )
    return bool(is_used)
