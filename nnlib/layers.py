"""Layers: blocks with named parameters, and how they compose.

All parameters of a model are views of one vector. A layer's pullback adds into its gradients and
returns only dx: the one place where a backward pass changes state.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import pairwise
from typing import Any

import numpy as np

from nnlib.blocks import attention, attention_weights, dropout, linear, linear_on_data
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


class Model:
    """Anything with layers: ``y, pullback = model(*x)``; pullback gives a gradient per array."""

    def layers(self) -> list["Layer"]:
        """All layers in order; one that is used twice stands here twice."""
        raise NotImplementedError

    def __call__(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        """The value and the way back. To evaluate, pass no rng: dropout is then the identity."""
        raise NotImplementedError

    def on_data(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        """As a call, for an x that is data: the pullback fills the gradients and may omit dL/dx."""
        return self(*x, rng=rng, **constants)

    def __copy__(self) -> "Model":
        """A copy has parameters of its own, however it is made."""
        return deepcopy(self)


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
        self.params = params
        self.grads = {name: np.zeros_like(p) for name, p in params.items()}

    def layers(self) -> list["Layer"]:
        return [self]

    def __call__(self, *x: Array, rng: Rng | None = None, **constants: Any) -> tuple[Any, Pullback]:
        return self.run(self.block, *x, **constants)

    def run(self, block: Callable, *x: Array, **constants: Any) -> tuple[Any, Pullback]:
        """Call block on x and the parameters; its pullback keeps the parameters' gradients here."""
        if not self.params:
            return block(*x, **constants)
        y, block_pullback = block(*x, *self.params.values(), **constants)
        grads = tuple(self.grads.values())

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


class MultiHeadAttention(Composite):
    """Attention in several heads at once, each on its share of the width, joined by a linear layer.

    Called as ``attend(x, context, mask=None)``: queries come from x, keys and values from context.

    Shapes     x (B, t, d), context (B, s, d) -> y (B, t, d)
    Pullback   dx, dcontext.
    Errors     ValueError when the width cannot be shared out among the heads.
    Source     D-mha, N-mha-bwd.

    >>> attend = MultiHeadAttention(4, 2, rng=0)
    >>> x = np.ones((1, 3, 4))
    >>> attend(x, x)[0].shape, attend.weights(x, x).shape
    ((1, 3, 4), (1, 2, 3, 3))
    """

    def __init__(
        self, d: int, heads: int, *, rng: Rng | int | None, dtype: Any = "float64"
    ) -> None:
        d = whole_number("MultiHeadAttention", "d", d, low=1)
        heads = whole_number("MultiHeadAttention", "heads", heads, low=1)
        if d % heads:
            divisors = " or ".join(str(h) for h in range(2, d + 1) if d % h == 0)
            raise ValueError(
                f"MultiHeadAttention: d ({d}) must be divisible by heads ({heads}); try {divisors}."
            )
        rng = generator("MultiHeadAttention", "rng", rng)
        super().__init__(*(Linear(d, d, rng=rng, dtype=dtype) for _ in ("q", "k", "v", "o")))
        self.heads = heads

    def split(self, x: Array) -> Array:
        """(B, T, d) -> (B, heads, T, d/heads)."""
        return x.reshape(*x.shape[:-1], self.heads, -1).swapaxes(-2, -3)

    def merge(self, x: Array) -> Array:
        """(B, heads, T, d/heads) -> (B, T, d)."""
        x = x.swapaxes(-2, -3)
        return x.reshape(*x.shape[:-2], -1)

    def __call__(
        self, x: Array, context: Array, mask: Array | None = None, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        to_q, to_k, to_v, to_y = self.parts
        (q, q_pullback), (k, k_pullback), (v, v_pullback) = to_q(x), to_k(context), to_v(context)
        o, attention_pullback = attention(self.split(q), self.split(k), self.split(v), mask=mask)
        y, y_pullback = to_y(self.merge(o))

        def pullback(dy: Array) -> tuple[Array, Array]:
            do = self.split(y_pullback(dy))
            dq, dk, dv = map(self.merge, attention_pullback(do))
            return q_pullback(dq), k_pullback(dk) + v_pullback(dv)

        return y, pullback

    def weights(self, x: Array, context: Array, mask: Array | None = None) -> Array:
        """The attention weights (B, heads, t, s), for looking at."""
        to_q, to_k, _, _ = self.parts
        return attention_weights(self.split(to_q(x)[0]), self.split(to_k(context)[0]), mask=mask)[0]


def parameter_vector(model: Model) -> tuple[Array, Array]:
    """All parameters of a model as one vector theta, all gradients as one vector grad.

    The layers keep views. A second call returns the same two arrays. A parameter that several
    layers share is stored once.

    Errors   ValueError for a model without parameters; TypeError for parameters of different types.

    >>> model = Linear(3, 2, rng=0)
    >>> theta, grad = parameter_vector(model)
    >>> theta[:] = 1
    >>> theta.size, model.params["W"][0, 0], parameter_vector(model)[0] is theta
    (8, np.float64(1.0), True)
    """
    pairs = parameters(model)
    theta, grad = (whole_of([pair[k] for pair in pairs]) for k in (0, 1))
    if theta is None or grad is None:
        theta = np.concatenate([p.ravel() for p, _ in pairs])
        grad = np.zeros_like(theta)
        bind(model, theta, grad)
    return theta, grad


def parameters(model: Model) -> list[tuple[Array, Array]]:
    """Each parameter of a model with its gradient, once."""
    if not isinstance(model, Model):
        got = getattr(model, "__name__", type(model).__name__)
        raise TypeError(f"parameter_vector: model must be a layer or model; got {got}.")
    found: dict[int, tuple[Array, Array]] = {}
    for layer in model.layers():
        found |= {id(p): (p, layer.grads[name]) for name, p in layer.params.items()}
    if not found:
        raise ValueError(f"parameter_vector: {type(model).__name__} has no parameters.")
    types = {p.dtype for p, _ in found.values()}
    if len(types) > 1:
        got = sorted(map(str, types))
        raise TypeError(f"parameter_vector: all parameters must have one type; got {got}.")
    return list(found.values())


def whole_of(parts: list[Array]) -> Array | None:
    """The vector that these arrays are consecutive views of, if there is one."""
    vector, stop = parts[0].base, 0
    if not isinstance(vector, np.ndarray) or vector.ndim != 1:
        return None
    for part in parts:
        due = vector.ctypes.data + stop * vector.itemsize
        if part.base is not vector or part.ctypes.data != due:
            return None
        stop += part.size
    return vector if stop == vector.size else None


def bind(model: Model, theta: Array, grad: Array) -> None:
    """Make all parameters of a model views of theta, all gradients views of grad."""
    views, stop = {}, 0
    for p, _ in parameters(model):
        start, stop = stop, stop + p.size
        views[id(p)] = theta[start:stop].reshape(p.shape), grad[start:stop].reshape(p.shape)
    for layer in dict.fromkeys(model.layers()):
        for name, p in layer.params.items():
            layer.params[name], layer.grads[name] = views[id(p)]


def replica(model: Model) -> Model:
    """A twin that shares the model's parameters but has its own gradients: what a thread needs.

    >>> model = Linear(3, 2, rng=0)
    >>> twin = replica(model)
    >>> parameter_vector(twin)[0] is parameter_vector(model)[0]
    True
    """
    theta, grad = parameter_vector(model)
    twin = deepcopy(model)
    bind(twin, theta, np.zeros_like(grad))
    return twin


def objective(
    model: Model, loss: Callable, *x: Array, constants: dict[str, Any] | None = None, **target: Any
) -> Callable[[Array], tuple[float, Pullback]]:
    """Model, data and loss together as one block θ → L(θ), which check_vjp can check.

    The model is evaluated on views of the vector that is given; theta is never written.

    Pullback   zeroes the model's grad, fills it and returns a copy.
    Errors     ValueError for a vector of another length or type than the model's theta.

    >>> from nnlib.losses import mse
    >>> model = Linear(1, 1, rng=0)
    >>> loss = objective(model, mse, np.array([[2.0]]), target=np.array([[7.0]]))
    >>> L, pullback = loss(np.array([3.0, 0.0]))
    >>> L, pullback(1.0)
    (1.0, array([-4., -2.]))
    """
    theta, grad = parameter_vector(model)
    twin = deepcopy(model)

    def objective_at(theta_at: Array) -> tuple[float, Pullback]:
        if getattr(theta_at, "shape", None) != theta.shape or theta_at.dtype != theta.dtype:
            got = type(theta_at).__name__
            if hasattr(theta_at, "shape"):
                got = f"{theta_at.dtype} {theta_at.shape}"
            raise ValueError(f"objective: theta must be {theta.dtype} {theta.shape}; got {got}.")
        bind(twin, theta_at, grad)
        z, model_pullback = twin(*x, **(constants or {}))
        L, loss_pullback = loss(z, **target)

        def pullback(dL: float) -> Array:
            grad[:] = 0
            model_pullback(loss_pullback(dL))
            return grad.copy()

        return L, pullback

    return objective_at


def part_keeps_width(part: Model) -> bool:
    """Whether a part gives the shape that it takes, so the linear parts around it must join."""
    contract = getattr(getattr(part, "block", None), "contract", None)
    return contract is not None and contract.output == contract.inputs[0][1]


def named_parameters(model: Model) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A readable name and the shape of each parameter, in the order of theta, for a saved file.

    >>> list(named_parameters(Linear(3, 2, rng=0)))
    [('0.W', (2, 3)), ('0.b', (2,))]
    """
    seen: set[int] = set()
    for k, layer in enumerate(dict.fromkeys(model.layers())):
        for name, p in layer.params.items():
            if id(p) not in seen:
                seen.add(id(p))
                yield f"{k}.{name}", p.shape
