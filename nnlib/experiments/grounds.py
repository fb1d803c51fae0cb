"""The grounds of the race by their names."""

from functools import lru_cache

from nnlib.landscapes import GROUNDS, Landscape, bowl


@lru_cache(maxsize=32)
def ground(name: str, *, kappa: float = 25.0) -> Landscape:
    """The ground of this name.

    kappa    how many times steeper the ravine is across than along; other grounds have none.
    Errors   ValueError for an unknown name.

    >>> ground("ravine", kappa=100).gradient([1.0, 1.0])
    array([  1., 100.])
    """
    if name == "ravine":
        return bowl(kappa)
    if name not in GROUNDS:
        raise ValueError(f"ground: name must be one of {', '.join(GROUNDS)}; got {name!r}.")
    return GROUNDS[name]
