"""Layers: blocks with named parameters, and how they compose.

All parameters of a model are views of one vector. A layer's pullback adds into its gradients and
returns only dx: the one place where a backward pass changes state.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from nnlib.blocks import dropout, linear, linear_on_data
from nnlib.checks import (
    Array,
    Pullback,
    Rng,
    callable_block,
    float_array,
    float_dtype,
    generator,
    number,
    whole_number,
)
from nnlib.initializers import he_normal
from nnlib.parameters import Model, NamedArrays


class Layer(Model):
    """A block with its parameters.

    Pullback   adds dL/dparams into ``grads`` and returns dL/dx: one array for one x, a tuple for
               more or none.
    Errors     TypeError for a block that is not callable or a parameter that is no float array.

    >>> layer = Layer(linear, W=np.array([[3.0, 4.0]]), b=np.array([5.0]))
    >>> y, pullback = layer(np.array([[1.0, 2.0]]))
    >>> dx = pullback(np.ones((1, 1)))
    >>> y, dx, layer.grads["W"]
    (array([[16.]]), array([[3., 4.]]), array([[1., 2.]]))
    """

    def __init__(self, block: Callable, **params: Array) -> None:
        self.block = callable_block("Layer", "block", block)
        for name, p in params.items():
            float_array("Layer", name, p)
        self._params = NamedArrays(params)
        self._grads = NamedArrays({name: np.zeros_like(p) for name, p in params.items()})

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

    def __call__(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        return self.run(self.block, *x, **constants)

    def run(self, block: Callable, *x: Array, **constants: Any) -> tuple[Any, Pullback]:
        """Call block on x and the parameters; its pullback keeps the parameters' gradients here."""
        if not self._params:
            return block(*x, **constants)
        y, block_pullback = block(*x, *self._params.values(), **constants)
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

    Errors   TypeError or ValueError for sizes that are no integers >= 1.
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
        dtype = float_dtype("Linear", dtype)
        due = "an initializer such as nnlib.initializers.he_normal"
        callable_block("Linear", "init", init, due)
        W = init((d_out, d_in), rng=generator("Linear", "rng", rng))
        super().__init__(linear, W=np.array(W, dtype), b=np.zeros(d_out, dtype))

    def on_data(self, x: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        return self.run(linear_on_data, x=x)


class Dropout(Layer):
    """Silence each entry with probability p in training (an rng is given); else the identity.

    Errors   ValueError for a p outside [0, 1).

    >>> y, _ = Dropout(0.5)(np.ones((1, 4)))
    >>> y
    array([[1., 1., 1., 1.]])
    >>> y, _ = Dropout(0.5)(np.ones((1, 4)), rng=np.random.default_rng(0))
    >>> y
    array([[2., 0., 0., 0.]])
    """

    def __init__(self, p: float) -> None:
        super().__init__(dropout)
        self.p = number("Dropout", "p", p, "[0, 1)")

    def __call__(self, x: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        keep = np.ones(x.shape, bool) if rng is None else rng.random(x.shape) >= self.p
        return dropout(x, keep=keep, p=self.p if rng is not None else 0.0)


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

    Errors   ValueError, before any data is seen, where one linear part gives another width than
             the next takes.
    Source   A-3.1-chain.

    >>> model = Sequential(Linear(3, 5, rng=0), Linear(5, 2, rng=1))
    >>> y, pullback = model(np.ones((4, 3)))
    >>> y.shape, pullback(np.ones((4, 2))).shape
    ((4, 2), (4, 3))
    """

    def __init__(self, *parts: Model) -> None:
        super().__init__(*parts)
        widths = [(k, p.params["W"].shape) for k, p in enumerate(parts) if isinstance(p, Linear)]
        for (j, (given, _)), (k, (_, taken)) in pairwise(widths):
            if given != taken and all(part_keeps_width(part) for part in parts[j + 1 : k]):
                raise ValueError(
                    f"Sequential: part {k} takes {taken} features but part {j} gives {given}."
                )

    def __call__(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        first, *rest = self.parts
        return self.chain(first(*x, rng=rng, **constants), rest, rng)

    def on_data(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        first, *rest = self.parts
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

        def pullback(dy: Any) -> Any:
            for part_pullback in reversed(pullbacks):
                dy = part_pullback(dy)
            return dy

        return y, pullback

    def values(self, x: Array) -> list[Array]:
        """Every part's output for x, in order: what plots need, asked for and never kept."""
        outputs = []
        for part in self.parts:
            x, _ = part(x)
            outputs.append(x)
        return outputs


class Residual(Composite):
    """Add what a part computes to what it was given: y = x + part(x).

    Pullback   dx = dy + part_pullback(dy): the gradient has a way around the part.
    Source     N-residual; D-lnres names it without a formula.

    >>> from nnlib.blocks import relu
    >>> y, pullback = Residual(Layer(relu))(np.array([[-1.0, 2.0]]))
    >>> y, pullback(np.ones((1, 2)))
    (array([[-1.,  4.]]), array([[1., 2.]]))
    """

    def __init__(self, part: Model) -> None:
        super().__init__(part)

    def __call__(
        self, x: Array, *, rng: Rng | None = None, **constants: Any
    ) -> tuple[Array, Pullback]:
        f, part_pullback = self.parts[0](x, rng=rng, **constants)

        def pullback(dy: Array) -> Array:
            return dy + part_pullback(dy)

        return x + f, pullback


def part_keeps_width(part: Model) -> bool:
    """Whether a part gives the shape that it takes, so the linear parts around it must join."""
    contract = getattr(getattr(part, "block", None), "contract", None)
    return contract is not None and contract.output == contract.inputs[0][1]
