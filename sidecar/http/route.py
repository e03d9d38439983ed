"""A call: which resource answers at a path, and how its requests are treated."""

from collections.abc import Iterator
from dataclasses import dataclass

OPEN = ""  # the scope of calls that need no key
ANY = "any"  # of those that every key opens


@dataclass(frozen=True)
class Route:
    """A call.

    Args:
        path: its template.
        resource: answers by its `on_get`, `on_post` and so on.
        scope: what its key must open; OPEN needs no key, ANY takes each. A DELETE, PUT or PATCH
            always needs `write`.
        post_scope: what its key must open for a POST, where that differs.
        may_be_shed: whether it is refused while the process has too many requests in flight, or
            its key is over its rate; not the calls of monitoring, which matter most at that time.
        may_take_long: whether its body may take hours to arrive, if only it never pauses.
    """

    path: str
    resource: object
    scope: str
    post_scope: str | None = None
    may_be_shed: bool = True
    may_take_long: bool = False


def answer_head(resource: object) -> None:
    """Has a resource answer HEAD as it answers GET; Falcon leaves the body out."""
    on_get = getattr(resource, "on_get", None)
    if on_get is not None:
        vars(resource).setdefault("on_head", on_get)


class Routes:
    """Finds a call by its path."""

    def __init__(self, *routes: Route) -> None:
        self._routes = {route.path: route for route in routes}

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes.values())

    def scope(self, template: str, method: str = "GET") -> str:
        """Returns the scope that a call needs, by the template of its path and its method."""
        route = self._routes[template]
        if method == "POST" and route.post_scope is not None:
            return route.post_scope
        return route.scope

    def may_be_shed(self, path: str) -> bool:
        """Returns whether a request may be refused; asked before Falcon has found its route."""
        route = self._at(path)
        return route is None or route.may_be_shed

    def may_take_long(self, path: str) -> bool:
        """Returns whether a request may take hours to arrive."""
        route = self._at(path)
        return route is not None and route.may_take_long

    def _at(self, path: str) -> Route | None:
        """Returns the call at a path as a client sends it; None for a template with a parameter:
        such calls may be shed and may not take long, as is the default."""
        return self._routes.get(path)
