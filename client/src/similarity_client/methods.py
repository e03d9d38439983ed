"""Makes a method of the description of a call."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_args

F = TypeVar("F", bound=Callable[..., Any])


def as_method(method: F, build: Callable[..., Any], returns: Any = None) -> F:
    """Gives a method the name, the words and the signature of the call that it makes.

    Args:
        returns: what it returns, where that is not the call's answer.
    """
    signature = inspect.signature(build)
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    answer = returns or (*get_args(signature.return_annotation), None)[0]
    method.__name__ = method.__qualname__ = build.__name__
    method.__doc__ = build.__doc__
    method.__annotations__ = {**build.__annotations__, "return": answer}
    vars(method)["__signature__"] = signature.replace(
        parameters=[itself, *signature.parameters.values()], return_annotation=answer
    )
    return method
