"""One vector for all parameters of a model, one for its gradients, and the objective θ → L(θ)."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from nnlib.checks import Array, Pullback
from nnlib.layers import Model


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
