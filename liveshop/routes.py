"""Find a view by the first part of its path among those whose routes begin so.

Django tries all routes one after the other, and keeps a list of all that it tried for a page that
only `DEBUG` shows. What is found here is what it finds; what isn't found here it looks for itself.
"""

from collections.abc import Iterator
from functools import lru_cache

from django.urls import Resolver404, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import ResolverMatch, RoutePattern

Route = URLPattern | URLResolver


def resolve(path: str) -> ResolverMatch:
    """Find the view of a path, as the root resolver does.

    :raises Resolver404: there is none
    """
    short = _by_first_part(get_resolver()).get(path[1:].partition("/")[0])
    if short is not None:
        try:
            return short.resolve(path)
        except Resolver404:
            # What was tried is told whole.
            pass
    return get_resolver().resolve(path)


@lru_cache(maxsize=4)
def _by_first_part(root: URLResolver) -> dict[str, URLResolver]:
    """Make a resolver for each first part of a path, with the routes that it could be of."""
    parts = {part for route in root.url_patterns for part in _first_parts(route)} - {None}
    return {str(part): _only(root, str(part)) for part in parts}


def _only(resolver: URLResolver, part: str) -> URLResolver:
    routes = [
        _only(route, part) if isinstance(route, URLResolver) and _is_empty(route) else route
        for route in resolver.url_patterns
        if {part, None} & set(_first_parts(route))
    ]
    return URLResolver(
        resolver.pattern,
        routes,
        resolver.default_kwargs,
        app_name=resolver.app_name,
        namespace=resolver.namespace,
    )


def _first_parts(route: Route) -> Iterator[str | None]:
    """Say how paths begin that a route may match, up to the first slash; None: in any way."""
    if isinstance(route, URLResolver) and _is_empty(route):
        for inner in route.url_patterns:
            yield from _first_parts(inner)
        return
    text = _text(route)
    if text is None:
        yield None
        return
    part, slash, _ = text.partition("/")
    is_whole = bool(slash) or isinstance(route, URLPattern)
    yield part if is_whole and "<" not in part else None


def _is_empty(route: URLResolver) -> bool:
    return _text(route) == ""


def _text(route: Route) -> str | None:
    """Return the text of a route by `path`, unless it is another one in each language."""
    pattern = route.pattern
    text = getattr(pattern, "_route", None) if isinstance(pattern, RoutePattern) else None
    return text if isinstance(text, str) else None
