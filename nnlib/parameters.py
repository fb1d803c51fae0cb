"""What a model is, its parameters as one vector, and the objective θ → L(θ).

The parameters of a model are views of one vector, so a part of a model has a slice of the whole's.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import combinations
from math import prod
from typing import Any, ClassVar, NamedTuple, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from nnlib.checks import Array, Pullback, Rng, Shape, float_array


class Widths(NamedTuple):
    """The last axes that a model takes and gives, None where not known; keeps: gives what comes."""

    takes: int | None = None
    gives: int | None = None
    keeps: bool = False


class Model:
    """Anything with layers: ``y, pullback = model(*x)``; pullback gives a gradient per array."""

    def layers(self) -> list[Any]:
        """All layers in order; one that is used twice stands here twice."""
        raise NotImplementedError

    def __call__(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        """The value and the way back. To evaluate, pass no rng: dropout is then the identity."""
        raise NotImplementedError

    def on_data(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        """As a call, for an x that is data: the pullback fills the gradients and may omit dL/dx."""
        return self(*x, rng=rng, **constants)

    def widths(self) -> Widths:
        """What is known before any data is seen about the widths of x and y."""
        return Widths()

    def __copy__(self) -> "Model":
        """A copy has parameters of its own, however it is made."""
        return deepcopy(self)


class Home:
    """A vector in which arrays live as views; ``current`` until a larger model takes one away.

    A copy is current again when a model that lives in it is copied along.
    """

    homes: ClassVar[WeakValueDictionary[int, "Home"]] = WeakValueDictionary()  # by owner's id

    def __init__(self, vector: Array) -> None:
        self.vector, self.current = vector, False
        self.views = {(0, vector.shape): vector}
        self.homes[id(owner(vector))] = self

    @classmethod
    def of(cls, a: Array) -> "Home | None":
        """The home that an array is, or is a view of."""
        return cls.homes.get(id(owner(a)))

    def view(self, start: int, shape: Shape) -> Array:
        """The entries from start on as an array, the same object for the same question."""
        if (start, shape) not in self.views:
            self.views[start, shape] = self.vector[start : start + prod(shape)].reshape(shape)
        return self.views[start, shape]

    def place(self, view: Array) -> tuple[int, Shape]:
        """Where a view lies, so that ``view(*place)`` gives it again."""
        if not view.flags.c_contiguous:
            raise TypeError("copy: a view that leaves out entries of theta cannot be copied.")
        return (view.ctypes.data - self.vector.ctypes.data) // view.itemsize, view.shape

    def leave(self) -> None:
        """Freeze the vector, so that whoever still steps it hears of it."""
        self.current = False
        self.vector.flags.writeable = False

    def __reduce__(self) -> tuple:
        return Home, (self.vector,)


def owner(a: Array) -> Array:
    """The array whose memory a view shows; an array that is no view is its own."""
    return a.base if isinstance(a.base, np.ndarray) else a


class NamedArrays(dict):
    """A layer's arrays by name. Each stays where it is: assigning copies into it.

    Errors   TypeError for a name that is not there, for taking one away or for an array of another
             type; ValueError for one of another shape. Nothing changes then.

    >>> W = np.zeros((1, 2))
    >>> arrays = NamedArrays(W=W)
    >>> arrays["W"] = np.ones((1, 2))
    >>> W
    array([[1., 1.]])
    """

    home: Home | None = None

    def __setitem__(self, name: str, value: Array) -> None:
        self.update({name: value})

    def update(self, *others: Any, **named: Array) -> None:
        """Copy arrays into those of the same names, all or none."""
        new = dict(*others, **named)
        for name, value in new.items():
            self.check(name, value)
        copies = {name: np.array(value) for name, value in new.items()}  # of each other, perhaps
        for name, value in copies.items():
            self[name][...] = value

    def __ior__(self, other: Any) -> "NamedArrays":  # type: ignore[misc]
        self.update(other)
        return self

    def setdefault(self, name: str, default: Any = None) -> Array:
        """The array of this name; there is never a default."""
        self.require(name)
        return self[name]

    def removed(self, *_: Any) -> NoReturn:
        """Refuse: a layer needs each of its arrays."""
        raise TypeError(f"Layer: its arrays {', '.join(self)} stay; assign to them instead.")

    __delitem__ = pop = popitem = clear = removed

    def require(self, name: str) -> None:
        """Refuse a name that is not there."""
        if name not in self:
            due = ", ".join(self) or "no parameters"
            raise TypeError(f"Layer: has no parameter {name!r}; it has {due}.")

    def check(self, name: str, value: Any) -> None:
        """Refuse what cannot be copied into the array of this name as it is."""
        self.require(name)
        float_array("Layer", name, value)
        due = self[name]
        if value.shape != due.shape:
            advice = f" Transposed? Use {name}.T." if value.T.shape == due.shape else ""
            raise ValueError(
                f"Layer: {name} must have shape {due.shape}; got {value.shape}.{advice}"
            )
        if value.dtype.char != due.dtype.char:
            raise TypeError(f"Layer: {name} must be {due.dtype}; got {value.dtype}. Use astype.")

    def move(self, home: Home, places: dict[str, tuple[int, Shape]]) -> None:
        """Let the arrays be views of a vector."""
        self.home, self.places = home, places
        super().update({name: home.view(*place) for name, place in places.items()})

    def look_at(self, vector: Array, origin: int) -> None:
        """Let the arrays be views of another vector, which begins at this place of their home."""
        for name, (start, shape) in self.places.items():
            first = start - origin
            super().__setitem__(name, vector[first : first + prod(shape)].reshape(shape))

    def __reduce__(self) -> tuple:
        """A view forgets its vector when it is copied; its place in it does not."""
        if self.home is None:
            return NamedArrays, (dict(self),)
        return moved, (self.home, self.home.current, self.places)


def moved(home: Home, current: bool, places: dict[str, tuple[int, Shape]]) -> NamedArrays:
    """Named arrays that live in a home."""
    arrays = NamedArrays()
    arrays.move(home, places)
    home.current |= current
    return arrays


def parameter_vector(model: Model) -> tuple[Array, Array]:
    """All parameters of a model as one vector theta, all gradients as one vector grad.

    The layers keep views. A second call returns the same two arrays, and a part of the model has
    slices of them. A larger model moves the parameters of its parts to a new vector, and the old
    one is frozen: an optimizer that still holds it refuses its next step. A parameter that several
    layers share is stored once.

    Errors   ValueError for a model without parameters, for parameters that overlap in memory
             without being the same array, and for a part whose parameters lie apart in the vector
             of the whole; TypeError for parameters of different types.

    >>> from nnlib.layers import Linear, Sequential
    >>> last = Linear(2, 1, rng=0)
    >>> model = Sequential(Linear(3, 2, rng=0), last)
    >>> theta, grad = parameter_vector(model)
    >>> theta[:] = 1
    >>> theta.size, last.params["W"], parameter_vector(model)[0] is theta
    (11, array([[1., 1.]]), True)
    >>> np.shares_memory(parameter_vector(last)[0], theta)
    True
    """
    slots = parameters(model)
    theta = lying_together([(params, name) for name, params, _ in slots])
    grad = lying_together([(grads, name) for name, _, grads in slots])
    return (theta, grad) if theta is not None and grad is not None else moved_together(model, slots)


def is_current(theta: Array) -> bool:
    """Whether theta is still the vector of a model, or a slice of it; in a fraction of 1 µs.

    False once a larger model has moved the parameters, and for a copy made without the model.

    >>> from nnlib.layers import Linear, Sequential
    >>> layer = Linear(3, 2, rng=0)
    >>> theta, _ = parameter_vector(layer)
    >>> is_current(theta), is_current(theta.copy())
    (True, False)
    >>> _ = parameter_vector(Sequential(layer, Linear(2, 1, rng=0)))
    >>> is_current(theta)
    False
    """
    home = Home.of(theta)
    return home is not None and home.current


def require_current(where: str, home: Home | None) -> None:
    """Refuse to move a vector that its model has left: the model would never learn again."""
    if home is not None and not home.current:
        raise ValueError(
            f"{where}: theta must be its model's vector; got one that the model has left for a "
            "larger model's, or a copy made without the model. Build the optimizer with "
            "parameter_vector(model)[0], or copy it together with its model."
        )


Slot = tuple[str, NamedArrays, NamedArrays]  # a parameter's name, and where it and its gradient are


def parameters(model: Model) -> list[Slot]:
    """Each parameter of a model, once."""
    if not isinstance(model, Model):
        got = getattr(model, "__name__", type(model).__name__)
        raise TypeError(f"parameter_vector: model must be a layer or model; got {got}.")
    found: dict[int, Slot] = {}
    for layer in model.layers():
        for name, p in layer.params.items():
            found.setdefault(id(p), (name, layer.params, layer.grads))
    if not found:
        raise ValueError(f"parameter_vector: {type(model).__name__} has no parameters.")
    types = {params[name].dtype for name, params, _ in found.values()}
    if len(types) > 1:
        got = sorted(map(str, types))
        raise TypeError(f"parameter_vector: all parameters must have one type; got {got}.")
    return list(found.values())


def lying_together(arrays: list[tuple[NamedArrays, str]]) -> Array | None:
    """The slice of a home in which these arrays follow each other; None when they have no home."""
    home = arrays[0][0].home
    if home is None or not home.current or any(owner.home is not home for owner, _ in arrays):
        return None
    places = [owner.places[name] for owner, name in arrays]
    first = stop = places[0][0]
    for start, shape in places:
        if start != stop:
            raise ValueError(
                "parameter_vector: the parameters of a part must follow each other in the vector "
                "of the larger model; these lie apart. Ask for the larger model's, or deepcopy."
            )
        stop += prod(shape)
    return home.view(first, (stop - first,))


def moved_together(model: Model, slots: list[Slot]) -> tuple[Array, Array]:
    """Move all parameters of a model to a new vector, all gradients to one of zeros."""
    old = [params[name] for name, params, _ in slots]
    refuse_overlap(slots)
    theta = np.concatenate([p.ravel() for p in old])
    homes, places, stop = (Home(theta), Home(np.zeros_like(theta))), {}, 0
    for p in old:
        places[id(p)], stop = (stop, p.shape), stop + p.size
    layers = list(dict.fromkeys(model.layers()))
    for arrays in [arrays for layer in layers for arrays in (layer.params, layer.grads)]:
        if arrays.home is not None:
            arrays.home.leave()
    for layer in layers:
        its_places = {name: places[id(p)] for name, p in layer.params.items()}
        for arrays, home in zip((layer.params, layer.grads), homes):
            arrays.move(home, its_places)
    for home in homes:
        home.current = True
    return homes[0].vector, homes[1].vector


def refuse_overlap(slots: list[Slot]) -> None:
    """Refuse parameters that are views of one array: one vector could not keep them tied."""
    for (a, params, _), (b, others, _) in combinations(slots, 2):
        if np.shares_memory(params[a], others[b]):
            got = f"{a} {params[a].shape} and {b} {others[b].shape}, which overlap"
            raise ValueError(
                f"parameter_vector: parameters must be apart or the same array; got {got}. "
                "To tie W and W.T, give W to both layers and transpose it in the second's block."
            )


def replica(model: Model) -> Model:
    """A twin that shares the model's parameters but has its own gradients: what a thread needs.

    >>> from nnlib.layers import Linear
    >>> model = Linear(3, 2, rng=0)
    >>> twin = replica(model)
    >>> parameter_vector(twin)[0] is parameter_vector(model)[0]
    True
    """
    theta, _ = parameter_vector(model)
    twin = deepcopy(model, shared(theta))
    parameter_vector(twin)[1][:] = 0
    return twin


def shared(a: Array) -> dict[int, Any]:
    """What tells deepcopy that a vector is not to be copied."""
    home = Home.of(a)
    return {id(home): home}


def objective(
    model: Model, loss: Callable, *x: Array, constants: dict[str, Any] | None = None, **target: Any
) -> Callable[[Array], tuple[float, Pullback]]:
    """Model, data and loss together as one block θ → L(θ), which check_vjp can check.

    The model is evaluated on views of the vector that is given; theta is never written.

    Pullback   zeroes the model's grad, fills it and returns a copy.
    Errors     ValueError for a vector of another length or type than the model's theta.

    >>> from nnlib.layers import Linear
    >>> from nnlib.losses import mse
    >>> model = Linear(1, 1, rng=0)
    >>> loss = objective(model, mse, np.array([[2.0]]), target=np.array([[7.0]]))
    >>> L, pullback = loss(np.array([3.0, 0.0]))
    >>> L, pullback(1.0)
    (1.0, array([-4., -2.]))
    """
    theta, grad = parameter_vector(model)
    twin = deepcopy(model, shared(grad))
    layers = [layer for layer in dict.fromkeys(twin.layers()) if layer.params]
    origin = min(start for layer in layers for start, _ in layer.params.places.values())

    def objective_at(theta_at: Array) -> tuple[float, Pullback]:
        if getattr(theta_at, "shape", None) != theta.shape or theta_at.dtype != theta.dtype:
            got = type(theta_at).__name__
            if hasattr(theta_at, "shape"):
                got = f"{theta_at.dtype} {theta_at.shape}"
            raise ValueError(f"objective: theta must be {theta.dtype} {theta.shape}; got {got}.")
        for layer in layers:
            layer.params.look_at(theta_at, origin)
        z, model_pullback = twin(*x, **(constants or {}))
        L, loss_pullback = loss(z, **target)

        def pullback(dL: float) -> Array:
            grad[:] = 0
            model_pullback(loss_pullback(dL))
            return grad.copy()

        return L, pullback

    return objective_at


def named_parameters(model: Model) -> Iterator[tuple[str, Shape]]:
    """A readable name and the shape of each parameter, in the order of theta, for a saved file.

    >>> from nnlib.layers import Linear
    >>> list(named_parameters(Linear(3, 2, rng=0)))
    [('0.W', (2, 3)), ('0.b', (2,))]
    """
    numbers = {id(layer.params): k for k, layer in enumerate(dict.fromkeys(model.layers()))}
    for name, params, _ in parameters(model):
        yield f"{numbers[id(params)]}.{name}", params[name].shape
