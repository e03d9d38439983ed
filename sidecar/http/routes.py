"""The table of calls: who answers at a path, and how whoever calls is treated until then."""

from collections.abc import Iterator
from dataclasses import dataclass

OPEN = ""  # the scope of what needs no key


@dataclass(frozen=True)
class Route:
    """A call.

    Args:
        path: its template.
        resource: answers by its `on_get`, `on_post` and so on.
        scope: what a key must allow; OPEN asks for none. To DELETE is to write.
        may_be_shed: whether it is refused while the process has too many requests in hand. Those
            who watch look most just then.
        may_take_long: whether its body may be hours on its way, as long as it never falls silent.
    """

    path: str
    resource: object
    scope: str
    may_be_shed: bool = True
    may_take_long: bool = False


class Routes:
    """All calls, by their paths."""

    def __init__(self, *routes: Route) -> None:
        self._routes = {route.path: route for route in routes}

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes.values())

    def scope(self, template: str) -> str:
        """What a call wants of a key, by the template of its path."""
        return self._routes[template].scope

    def may_be_shed(self, path: str) -> bool:
        """Whether a request for a path may be refused; asked before it has found its route."""
        route = self._at(path)
        return route is None or route.may_be_shed

    def may_take_long(self, path: str) -> bool:
        """Whether a request for a path may be hours on its way."""
        route = self._at(path)
        return route is not None and route.may_take_long

    def _at(self, path: str) -> Route | None:
        """Of a path as a client sends it. One with a parameter in it is not found: such calls are
        shed, and hurried, like any other."""
        return self._routes.get(path.rstrip("/"))
