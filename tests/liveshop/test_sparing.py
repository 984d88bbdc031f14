"""Middleware that does less than Django's answers exactly as Django's does."""

import pytest
from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils.translation import gettext

OWN = {
    "liveshop.sparing.LanguageMiddleware": "django.middleware.locale.LocaleMiddleware",
    "liveshop.sparing.MessagesMiddleware": "django.contrib.messages.middleware.MessageMiddleware",
}
DJANGOS = [OWN.get(name, name) for name in settings.MIDDLEWARE]


def leave(request):
    messages.info(request, f"left {request.GET['text']}")
    return HttpResponse("left")


def show(request):
    return HttpResponse(", ".join(map(str, messages.get_messages(request))))


def peek(request):
    return HttpResponse("some" if messages.get_messages(request) else "none")


def language(request):
    return JsonResponse({"code": request.LANGUAGE_CODE, "yes": gettext("Yes")})


def varies(request):
    return HttpResponse(headers={"Vary": "Accept", "Content-Language": "it"})


plain = [
    path("leave/", leave),
    path("show/", show),
    path("peek/", peek),
    path("language/", language),
    path("varies/", varies),
    path("fr/language/", language),
]
prefixed = i18n_patterns(path("language/", language), path("varies/", varies))


def missing(request, exception):
    return HttpResponse("missing", status=404)


class Plain:
    handler404 = staticmethod(missing)
    urlpatterns = plain


class Prefixed:
    handler404 = staticmethod(missing)
    urlpatterns = [*prefixed, path("show/", show)]


def told(answer):
    headers = {name: text for name, text in answer.items() if name != "X-Request-ID"}
    cookies = {name: (one.value, one["max-age"]) for name, one in answer.cookies.items()}
    return answer.status_code, headers, cookies, answer.content


def in_both_ways(ask):
    found = []
    for middleware in (settings.MIDDLEWARE, DJANGOS):
        with override_settings(MIDDLEWARE=middleware):
            found.append([told(answer) for answer in ask(Client())])
    assert found[0] == found[1]
    return found[0]


def test_both_of_ours_are_used():
    assert set(OWN) < set(settings.MIDDLEWARE)
    assert len(DJANGOS) == len(settings.MIDDLEWARE)


@pytest.mark.parametrize("urls", [Plain, Prefixed], ids=["plain", "prefixed"])
@pytest.mark.parametrize("cookie", ["", "fr", "nonsense"])
@pytest.mark.parametrize("accepts", ["", "it-CH, fr;q=0.5", "xx", "*"])
def test_languages(urls, cookie, accepts):
    paths = ["/language/", "/varies/", "/fr/language/", "/it/language/", "/nosuch/", "/language"]

    def ask(client):
        if cookie:
            client.cookies[settings.LANGUAGE_COOKIE_NAME] = cookie
        headers = {"Accept-Language": accepts} if accepts else {}
        return [client.get(where, headers=headers) for where in paths]

    with override_settings(ROOT_URLCONF=urls):
        answers = in_both_ways(ask)
    assert {status for status, *_ in answers} > {200}


@pytest.mark.parametrize(
    ("paths", "bodies"),
    [
        (["/show/"], [""]),
        (["/leave/?text=one", "/show/", "/show/"], ["left", "left one", ""]),
        (
            ["/leave/?text=1", "/leave/?text=2", "/peek/", "/show/", "/peek/"],
            ["left", "left", "some", "left 1, left 2", "none"],
        ),
        (["/leave/?text=one", "/nosuch/", "/show/"], ["left", "missing", "left one"]),
    ],
    ids=["none", "one", "two", "across a missing page"],
)
def test_messages(paths, bodies):
    with override_settings(ROOT_URLCONF=Plain):
        answers = in_both_ways(lambda client: [client.get(where) for where in paths])

    assert [body.decode() for *_, body in answers] == bodies


@pytest.mark.django_db
@pytest.mark.parametrize(
    "where",
    ["/", "/nosuch/", "/cart/", "/accounts/login/", "/admin/login/", "/livez", "/api/v1/cart"],
)
def test_pages_of_the_site(where):
    """Their bodies hold tokens that differ."""
    with_language = {"headers": {"Accept-Language": "fr"}}
    for middleware in (settings.MIDDLEWARE, DJANGOS):
        with override_settings(MIDDLEWARE=middleware):
            status, headers, cookies, _ = told(Client().get(where, **with_language))
        found = status, headers, sorted(cookies)
        if middleware is settings.MIDDLEWARE:
            first = found
    assert first == found
