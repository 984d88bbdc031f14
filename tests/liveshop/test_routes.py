"""The short way to a view leads where Django's own way leads, for all that the site has."""

import re

import pytest
from django.test import override_settings
from django.urls import URLPattern, get_resolver, include, path, re_path
from django.urls.resolvers import Resolver404, RoutePattern
from django.utils.translation import gettext_lazy

from liveshop import routes

SAMPLES = {
    "int": "7",
    "uuid": "0b9f3c3e-2b0c-4c9e-9a55-6f0d7a1f7c11",
    "slug": "a-b",
    "str": "word",
    "path": "a/b/c",
}


def paths_of(resolver, before="/"):
    """Make a path for each route by `path`, and a wrong one beside it."""
    for route in resolver.url_patterns:
        if not isinstance(route.pattern, RoutePattern):
            continue
        here = before + re.sub(
            r"<(?:(\w+):)?\w+>",
            lambda found: SAMPLES.get(found[1] or "str", "word"),
            str(route.pattern),
        )
        if isinstance(route, URLPattern):
            yield here
            yield here + "x"
        else:
            yield here
            yield from paths_of(route, here)


def found_by(resolve, address):
    try:
        match = resolve(address)
    except Resolver404 as error:
        return "none", repr(error.args)
    return (
        match.func,
        match.args,
        match.kwargs,
        match.route,
        match.view_name,
        match.app_names,
        match.namespaces,
        match.captured_kwargs,
        match.extra_kwargs,
    )


def test_all_paths_of_the_site_lead_to_the_same_view():
    known = {*paths_of(get_resolver()), "", "/", "//", "x", "/nosuch", "/nosuch/", "/cart", "/%00/"}
    assert len(known) > 300

    for address in known:
        assert found_by(routes.resolve, address) == found_by(get_resolver().resolve, address)


def test_few_routes_are_tried():
    short = routes._by_first_part(get_resolver())["checkout"]

    assert len(list(paths_of(short))) < len(list(paths_of(get_resolver()))) / 10


def first(request, **kwargs):
    return None


def second(request, **kwargs):
    return None


inner = [
    path("a/<int:n>/", first),
    path("<slug:any>/b/", second, {"extra": 1}),
    re_path(r"^c/(\d+)/$", first),
]
urlpatterns = [
    path("", include((inner, "inner"))),
    path("a/<str:n>/", second),
    path("ap", include([path("i/", first), path("/i/", second)])),
    path("a", include([path("/x/y/", first)])),
    path(gettext_lazy("d/"), second),
    path("<path:rest>", first, name="rest"),
    path("never/", second),
]


@pytest.mark.parametrize(
    "address",
    [
        "/a/1/",
        "/a/b/",
        "/x/b/",
        "/c/12/",
        "/api/",
        "/ap/i/",
        "/a/x/y/",
        "/d/",
        "/never/",
        "/",
        "/q",
    ],
)
def test_routes_of_all_kinds_keep_their_order(address):
    with override_settings(ROOT_URLCONF=__name__):
        assert found_by(routes.resolve, address) == found_by(get_resolver().resolve, address)


def test_a_route_that_may_begin_in_any_way_is_tried_for_all():
    """The control: left out, it would hand its paths to the one behind it."""
    with override_settings(ROOT_URLCONF=__name__):
        short = routes._by_first_part(get_resolver())["never"]
        assert short.resolve("/never/").view_name == "rest"
        del short.url_patterns[:-1]
        assert short.resolve("/never/").func is second
