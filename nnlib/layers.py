"""Layers: blocks with named parameters, and how they compose.

All parameters of a model are views of one vector. A layer's pullback adds into its gradients and
returns only dx: the one place where a backward pass changes state.
"""

from collections.abc import Callable, Mapping
from inspect import signature
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np

from nnlib.blocks import dropout, linear, linear_on_data
from nnlib.checks import (
    Array,
    Pullback,
    Rng,
    all_finite,
    callable_block,
    float_array,
    float_dtype,
    generator,
    generator_given,
    no_pair,
    number,
    numeric,
    whole_number,
)
from nnlib.initializers import he_normal
from nnlib.parameters import Model, NamedArrays, Widths

PARAMS = attrgetter("params")  # no generator: an interrupt as one is closed would be lost


class Layer(Model):
    """A block with its parameters, given by the names that they have in the block.

    A block's data are its arguments with leading axes ``...``, its parameters those without; where
    no contract tells, the data stand before what is given. theta has the parameters in the block's
    order. A layer keeps the arrays that it is given, so that two layers can share one.

    Pullback   adds dL/dparams into ``grads`` and returns dL/dx: one array for one x, a tuple for
               more or none.
    Errors     TypeError for a block that is not callable or gives no pullback, a parameter that is
               no float array, one that the block has not, and one that is missing.

    >>> layer = Layer(linear, W=np.array([[3.0, 4.0]]), b=np.array([5.0]))
    >>> y, pullback = layer(np.array([[1.0, 2.0]]))
    >>> dx = pullback(np.ones((1, 1)))
    >>> y, dx, layer.grads["W"]
    (array([[16.]]), array([[3., 4.]]), array([[1., 2.]]))
    """

    draws = False  # from the rng of a call; a run then has one for it

    def __init__(self, block: Callable, **params: Array) -> None:
        self.block = callable_block("Layer", "block", block)
        for name, p in params.items():
            float_array("Layer", name, p)
        self._params = NamedArrays({name: params[name] for name in bound_names(block, params)})
        self._grads = NamedArrays({name: np.zeros_like(p) for name, p in self._params.items()})

    @property
    def params(self) -> NamedArrays:
        """The parameters by name; whatever is assigned is copied into them."""
        return self._params

    @params.setter
    def params(self, params: Mapping[str, Array]) -> None:
        self._params.update(params)

    @property
    def grads(self) -> NamedArrays:
        """The parameters' gradients by name, likewise."""
        return self._grads

    @grads.setter
    def grads(self, grads: Mapping[str, Array]) -> None:
        self._grads.update(grads)

    def layers(self) -> list["Layer"]:
        return [self]

    def widths(self) -> Widths:
        contract: Any = getattr(self.block, "contract", None)
        if contract is None:
            return Widths()
        sizes = {
            letter: size
            for name, dims in contract.inputs
            if name in self.params
            for letter, size in zip(dims, self.params[name].shape)
        }
        data = [dims for name, dims in contract.inputs if name not in self.params]
        x = data[0] if data else ()
        takes, gives = (sizes.get(dims[-1]) if dims else None for dims in (x, contract.output))
        return Widths(takes, gives, keeps=bool(x) and x == contract.output)

    def __call__(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        return self.run(self.block, *x, **constants)

    def run(self, block: Callable, *x: Array, **constants: Any) -> tuple[Any, Pullback]:
        """Call block on x and the parameters; its pullback keeps the parameters' gradients here."""
        value = block(*x, *self._params.values(), **constants)
        if fault := no_pair(value):
            raise TypeError(f"Layer: {name_of(block)} {fault}")
        if not self._params:
            return value
        y, block_pullback = value
        grads = tuple(self._grads.values())

        def pullback(dy: Any) -> Any:
            gradients = block_pullback(dy)
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            for grad, dp in zip(grads, gradients[len(x) :], strict=True):
                grad += dp
            return gradients[0] if len(x) == 1 else gradients[: len(x)]

        return y, pullback


class Linear(Layer):
    """The linear layer, d_in to d_out, with weights (d_out, d_in) from init and zero biases.

    Errors   TypeError or ValueError for sizes that are no integers >= 1, or an init that does not
             return finite numbers of shape (d_out, d_in).
    Source   A-3.2-fwd.

    >>> Linear(784, 40, rng=np.random.default_rng(0)).params["W"].shape
    (40, 784)
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        *,
        init: Callable = he_normal,
        rng: Rng | int | None,
        dtype: Any = "float64",
    ) -> None:
        d_out = whole_number("Linear", "d_out", d_out, low=1)
        d_in = whole_number("Linear", "d_in", d_in, low=1)
        dtype, rng = float_dtype("Linear", dtype), generator("Linear", "rng", rng)
        W = drawn("Linear", init, (d_out, d_in), rng=rng, dtype=dtype)
        super().__init__(linear, W=W, b=np.zeros(d_out, dtype))

    def on_data(self, x: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        return self.run(linear_on_data, x=x)


class Dropout(Layer):
    """Silence each entry with probability p in training (an rng is given); else the identity.

    Errors   ValueError for a p outside [0, 1); TypeError for an rng that is no Generator, such as a
             seed, from which every layer would draw the same.

    >>> y, _ = Dropout(0.5)(np.ones((1, 4)))
    >>> y
    array([[1., 1., 1., 1.]])
    >>> y, _ = Dropout(0.5)(np.ones((1, 4)), rng=np.random.default_rng(0))
    >>> y
    array([[2., 0., 0., 0.]])
    """

    draws = True

    def __init__(self, p: float) -> None:
        super().__init__(dropout)
        self.p = number("Dropout", "p", p, "[0, 1)")

    def __call__(self, x: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        shape = np.shape(x)
        if rng is None:
            return dropout(x, keep=np.ones(shape, bool), p=0.0)
        return dropout(x, keep=generator_given("Dropout", rng).random(shape) >= self.p, p=self.p)


class Composite(Model):
    """Parts wired by a __call__ of their own.

    Errors   TypeError for a part that is no layer or model.
    """

    def __init__(self, *parts: Model) -> None:
        if not parts:
            raise ValueError(f"{type(self).__name__}: needs at least one part.")
        for k, part in enumerate(parts):
            if not hasattr(part, "layers"):
                got = getattr(part, "__name__", type(part).__name__)
                raise TypeError(
                    f"{type(self).__name__}: part {k} must be a layer; got {got}. A block? "
                    f"Use Layer({got})."
                )
        self.parts = parts

    def layers(self) -> list[Layer]:
        return [layer for part in self.parts for layer in part.layers()]


class Sequential(Composite):
    """One part after the other: the chain rule is the list of pullbacks, reversed.

    Errors   ValueError, before any data is seen, where one part gives another width than the next
             takes, as far as their blocks' contracts tell.
    Source   A-3.1-chain.

    >>> model = Sequential(Linear(3, 5, rng=0), Linear(5, 2, rng=1))
    >>> y, pullback = model(np.ones((4, 3)))
    >>> y.shape, pullback(np.ones((4, 2))).shape
    ((4, 2), (4, 3))
    """

    def __init__(self, *parts: Model) -> None:
        super().__init__(*parts)
        width, giver = None, 0  # what arrives at a part, and the part that gave it
        for k, (takes, gives, keeps) in enumerate(part.widths() for part in parts):
            if width is not None and takes not in (None, width):
                raise ValueError(
                    f"Sequential: part {k} takes {takes} features but part {giver} gives {width}."
                )
            if gives is not None:
                width, giver = gives, k
            elif not keeps:
                width = None

    def widths(self) -> Widths:
        takes, gives, keeps = None, None, True
        for part in self.parts:
            its = part.widths()
            takes = its.takes if keeps and takes is None else takes
            gives = its.gives if its.gives is not None or not its.keeps else gives
            keeps = keeps and its.keeps
        return Widths(takes, gives, keeps)

    def __call__(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        first, *rest = self.parts
        return self.chain(first(*x, rng=rng, **constants), rest, rng)

    def on_data(self, *x: Any, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        first, *rest = self.parts
        while rest and not any(map(PARAMS, first.layers())):  # its value is data, too
            x, constants = (first(*x, rng=rng, **constants)[0],), {}
            first, *rest = rest
        return self.chain(first.on_data(*x, rng=rng, **constants), rest, rng)

    def chain(
        self, start: tuple[Any, Pullback], rest: list[Model], rng: Rng | None
    ) -> tuple[Any, Pullback]:
        """The rest of the parts behind the first one's value and pullback."""
        y, first_pullback = start
        pullbacks = [first_pullback]
        for part in rest:
            y, part_pullback = part(y, rng=rng)
            pullbacks.append(part_pullback)
        return y, back_through(pullbacks)

    def values(self, x: Array) -> list[Array]:
        """Every part's output for x, in order: what plots need, asked for and never kept."""
        outputs = []
        for part in self.parts:
            x, _ = part(x)
            outputs.append(x)
        return outputs


def back_through(pullbacks: list[Pullback]) -> Pullback:
    """The way back through parts that stand one behind the other: the last one's pullback first."""

    def pullback(dy: Any) -> Any:
        for part_pullback in reversed(pullbacks):
            dy = part_pullback(dy)
        return dy

    return pullback


class Residual(Composite):
    """Add what a part computes to what it was given: y = x + part(x).

    Pullback   dx = dy + part_pullback(dy): the gradient has a way around the part.
    Errors     ValueError for a part that gives another shape than it takes: nothing is broadcast.
    Source     N-residual; D-lnres names it without a formula.

    >>> from nnlib.blocks import relu
    >>> y, pullback = Residual(Layer(relu))(np.array([[-1.0, 2.0]]))
    >>> y, pullback(np.ones((1, 2)))
    (array([[-1.,  4.]]), array([[1., 2.]]))
    """

    def __init__(self, part: Model) -> None:
        super().__init__(part)
        takes, gives, _ = part.widths()
        if None not in (takes, gives) and takes != gives:
            self.refuse(takes, gives)

    def widths(self) -> Widths:
        takes, gives, _ = self.parts[0].widths()
        width = gives if takes is None else takes
        return Widths(width, width, keeps=True)

    def refuse(self, taken: Any, given: Any) -> NoReturn:
        """Say that the part's value cannot be added to what the part was given."""
        raise ValueError(f"Residual: part must give what it takes, {taken}; it gives {given}.")

    def __call__(
        self, x: Array, *, rng: Rng | None = None, **constants: Any
    ) -> tuple[Array, Pullback]:
        f, part_pullback = self.parts[0](x, rng=rng, **constants)
        if np.shape(f) != x.shape:
            self.refuse(x.shape, np.shape(f))

        def pullback(dy: Array) -> Array:
            return dy + part_pullback(dy)

        return x + f, pullback


def drawn(where: str, init: Callable, shape: tuple[int, int], *, rng: Rng, dtype: Any) -> Array:
    """New weights from any initializer, when it returns finite numbers of the shape asked for.

    >>> drawn("Linear", lambda shape, rng: np.eye(3), (2, 3), rng=None, dtype="float32")
    Traceback (most recent call last):
    ...
    ValueError: Linear: init must return weights of shape (2, 3); got (3, 3).
    """
    callable_block(where, "init", init, "an initializer such as nnlib.initializers.he_normal")
    W = numeric(where, "what init returns", init(shape, rng=rng))
    if W.shape != shape:
        raise ValueError(f"{where}: init must return weights of shape {shape}; got {W.shape}.")
    with np.errstate(over="ignore"):
        W = np.array(W, dtype)
    all_finite(where, "what init returns", W)
    return W


def bound_names(block: Callable, params: dict[str, Array]) -> list[str]:
    """The names of a block's parameters in its order, when they are those given.

    >>> bound_names(linear, {"b": np.ones(1), "W": np.ones((1, 1))})
    ['W', 'b']
    >>> bound_names(linear, {"weight": np.ones((1, 1)), "bias": np.ones(1)})
    Traceback (most recent call last):
    ...
    TypeError: Layer: linear has no parameter 'weight'; it takes W, b.
    """
    names, due = arguments_of(block, params)
    for name in params:
        if name not in due:
            what = "is called with" if name in names else "has no parameter"
            takes = ", ".join(due) or "none"
            raise TypeError(f"Layer: {name_of(block)} {what} {name!r}; it takes {takes}.")
    for name in due:
        if name not in params:
            raise TypeError(f"Layer: {name_of(block)} needs {name}; give it by name, {name}=...")
    if due != names[len(names) - len(due) :]:
        data = [name for name in names if name not in due]
        raise TypeError(
            f"Layer: block must take its data ({', '.join(data)}) first, its parameters "
            f"({', '.join(due)}) behind; got {name_of(block)}({', '.join(names)})."
        )
    return due


def arguments_of(block: Callable, params: dict[str, Array]) -> tuple[list[str], list[str]]:
    """The names of a block's differentiable arguments, and those of its parameters among them."""
    contract = getattr(block, "contract", None)
    if contract is not None:
        names, optional = [name for name, _ in contract.inputs], set()
        data = {name for name, dims in contract.inputs + contract.constants if "..." in dims}
        if data:
            return names, [name for name in names if name not in data]
        by_keyword = bool(contract.constants)
    else:
        try:
            arguments = signature(block).parameters.values()
        except ValueError:  # written in C
            return list(params), list(params)
        if any(a.kind is a.VAR_POSITIONAL for a in arguments):
            return list(params), list(params)
        names = [
            a.name for a in arguments if a.kind in (a.POSITIONAL_ONLY, a.POSITIONAL_OR_KEYWORD)
        ]
        optional = {a.name for a in arguments if a.default is not a.empty}
        while names and names[-1] in optional and names[-1] not in params:
            names.pop()  # the call leaves it out
        by_keyword = any(a.kind is a.KEYWORD_ONLY and a.default is a.empty for a in arguments)
    nowhere = 1 if params else len(names)
    first = min([names.index(name) for name in params if name in names], default=nowhere)
    behind = names[first if by_keyword else max(first, 1) :]
    return names, [name for name in behind if name in params or name not in optional]


def name_of(block: Callable) -> str:
    """What a block is called."""
    return getattr(block, "__name__", type(block).__name__)
