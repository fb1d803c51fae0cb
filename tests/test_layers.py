"""What nnlib.layers promises: gradients add up, names bind, and what does not join is refused."""

from functools import partial

import numpy as np
import pytest
from models import each_model, make

from nnlib.blocks import embedding, layer_norm, linear, linear_on_data, relu, tanh
from nnlib.calculus import check_vjp
from nnlib.contract import block
from nnlib.layers import Dropout, Layer, Linear, Model, Residual, Sequential
from nnlib.losses import mse, softmax_cross_entropy
from nnlib.mlp import MLP, TwoLayerNetwork
from nnlib.parameters import objective, parameter_vector
from nnlib.transformer import MultiHeadAttention

# -- gradients ------------------------------------------------------------------------------------


@each_model
def test_the_gradient_of_a_whole_model_is_the_true_one(name):
    model, x, _ = make(name)
    theta, _ = parameter_vector(model)
    target = np.random.default_rng(5).standard_normal(model(x)[0].shape)
    assert check_vjp(objective(model, mse, x, target=target), theta, directions=5) <= 1e-7


@each_model
def test_every_coordinate_of_the_gradient_is_the_true_one(name):
    model, x, _ = make(name, samples=2)
    theta, _ = parameter_vector(model)
    labels = np.arange(len(x)) % 3
    assert check_vjp(objective(model, softmax_cross_entropy, x, labels=labels), theta) <= 1e-7


@each_model
def test_the_gradient_for_the_input_is_the_true_one(name):
    model, x, _ = make(name, samples=2)
    assert check_vjp(model, x) <= 1e-7


def test_a_mask_reaches_the_attention_of_a_composite():
    model, x, _ = make("attention")
    theta, _ = parameter_vector(model)
    constants, labels = {"mask": np.tri(5, dtype=bool)}, np.zeros(len(x), int)
    f = objective(model, softmax_cross_entropy, x, constants=constants, labels=labels)
    assert check_vjp(f, theta, directions=5) <= 1e-7
    assert f(theta)[0] != objective(model, softmax_cross_entropy, x, labels=labels)(theta)[0]


@each_model
def test_a_pullback_adds_to_the_gradients_and_returns_only_dx(name):
    model, x, dy = make(name)
    _, grad = parameter_vector(model)
    _, pullback = model(x)
    dx = pullback(dy)
    once = grad.copy()
    assert dx.shape == x.shape
    assert once.any()
    assert pullback(dy).tobytes() == dx.tobytes()
    np.testing.assert_allclose(grad, 2 * once, rtol=1e-14)


def test_a_layer_used_twice_collects_the_gradients_of_both_uses():
    model, x, dy = make("used twice")
    layer = model.parts[0]
    h, first_pullback = linear(x, *layer.params.values())
    a, tanh_pullback = tanh(h)
    _, second_pullback = linear(a, *layer.params.values())
    da, dW_second, db_second = second_pullback(dy)
    dx, dW_first, db_first = first_pullback(tanh_pullback(da))
    assert model(x)[1](dy).tobytes() == dx.tobytes()
    np.testing.assert_allclose(layer.grads["W"], dW_first + dW_second, rtol=1e-14)
    np.testing.assert_allclose(layer.grads["b"], db_first + db_second, rtol=1e-14)


def test_a_pullback_stays_right_when_the_layer_is_called_elsewhere_in_between():
    model, x, dy = make("MLP")
    _, pullback = model(x)
    dx = pullback(dy)
    model(x + 1)[1](2 * dy)
    assert pullback(dy).tobytes() == dx.tobytes()


@each_model
def test_calling_changes_neither_the_input_nor_the_upstream_gradient(name):
    model, x, dy = make(name)
    x.flags.writeable = dy.flags.writeable = False
    model(x)[1](dy)
    model.on_data(x)[1](dy)


def test_a_layer_without_an_array_by_position_returns_no_gradient():
    E = Layer(embedding, E=np.eye(3))
    y, pullback = E(ids=np.array([2, 0, 2]))
    assert pullback(np.ones_like(y)) == ()
    assert E.grads["E"].sum(axis=1).tolist() == [3, 0, 6]


def test_a_layer_of_two_arrays_returns_two_gradients():
    @block("x (..., n), y (..., n), W (n,) -> s (..., n)")
    def weighted(x, y, W):
        return W * x * y, lambda ds: (ds * W * y, ds * W * x, (ds * x * y).sum(axis=0))

    layer = Layer(weighted, W=np.array([2.0, 3.0]))
    x, y = np.random.default_rng(0).standard_normal((2, 4, 2))
    assert check_vjp(layer, x, y) <= 1e-7
    assert len(layer(x, y)[1](np.ones((4, 2)))) == 2


def test_a_value_that_is_asked_for_is_the_value_of_the_call():
    model, x, _ = make("MLP")
    values, (z, _) = model.values(x), model(x)
    assert [y.shape[-1] for y in values] == [6, 6, 5, 5, 3]
    assert values[1].tobytes() == tanh(values[0])[0].tobytes()
    assert values[-1].tobytes() == z.tobytes()


# -- x as data ------------------------------------------------------------------------------------


@each_model
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_on_data_gives_the_same_gradients_bit_for_bit(name, dtype):
    model, x, dy = make(name, dtype)
    _, grad = parameter_vector(model)
    results = []
    for call in (model, model.on_data):
        grad[:] = 0
        y, pullback = call(x, rng=np.random.default_rng(0))
        pullback(dy)
        results.append((y.tobytes(), grad.tobytes()))
    assert results[0] == results[1]


def test_on_data_leaves_out_the_product_for_dx():
    layer = Linear(3, 2, rng=0)
    assert layer.on_data(np.ones((4, 3)))[1](np.ones((4, 2))) == ()
    nested = Sequential(Sequential(layer, Layer(relu)), Linear(2, 2, rng=1))
    assert nested.on_data(np.ones((4, 3)))[1](np.ones((4, 2))) == ()


# -- dropout --------------------------------------------------------------------------------------


def test_dropout_is_the_identity_without_a_generator():
    x = np.random.default_rng(0).standard_normal((5, 4)).astype("f")
    y, pullback = Dropout(0.7)(x)
    assert y.tobytes() == x.tobytes()
    assert pullback(x).tobytes() == x.tobytes()
    model = Sequential(Linear(4, 3, rng=0), Dropout(0.5), Linear(3, 2, rng=1))
    without = Sequential(model.parts[0], model.parts[2])
    x = x.astype(float)
    assert model(x)[0].tobytes() == without(x)[0].tobytes()
    assert model(x, rng=np.random.default_rng(0))[0].tobytes() != without(x)[0].tobytes()


def test_dropout_silences_the_share_it_says_and_keeps_the_mean():
    p, n = 0.3, 1_000_000
    y, _ = Dropout(p)(np.ones((n, 1)), rng=np.random.default_rng(0))
    assert set(np.unique(y)) == {0, 1 / (1 - p)}
    assert abs((y == 0).mean() - p) < 5 * np.sqrt(p * (1 - p) / n)
    assert abs(y.mean() - 1) < 5 * np.sqrt(p / (1 - p) / n)


def test_dropout_draws_the_same_for_the_same_seed_and_else_otherwise():
    x, layer = np.ones((30, 30)), Dropout(0.5)
    first, again, other = (layer(x, rng=np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_the_gradient_through_dropout_is_the_true_one_for_a_given_draw():
    model = Sequential(Linear(4, 6, rng=0), Dropout(0.5), Layer(tanh), Linear(6, 2, rng=1))

    def drawn(x):
        return model(x, rng=np.random.default_rng(7))

    assert check_vjp(drawn, np.random.default_rng(0).standard_normal((3, 4))) <= 1e-7


# -- types ----------------------------------------------------------------------------------------


@each_model
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_types_stay_as_they_are_through_a_whole_model(name, dtype):
    model, x, dy = make(name, dtype)
    theta, grad = parameter_vector(model)
    y, pullback = model(x, rng=np.random.default_rng(0))
    dx = pullback(dy)
    assert {a.dtype for a in (theta, grad, y, dx)} == {np.dtype(dtype)}


# -- mistakes in sizes, data and what is composed -------------------------------------------------


def linear_of(*sizes, **options):
    """A linear layer, with a seed."""
    return lambda: Linear(*sizes, **{"rng": 0} | options)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            linear_of(784.0, 10),
            TypeError,
            "Linear: d_in must be an integer >= 1; got 784.0 (float)",
        ),
        (linear_of("784", 10), TypeError, "Linear: d_in must be an integer >= 1; got '784' (str)"),
        (linear_of(0, 10), ValueError, "Linear: d_in must be an integer >= 1; got 0"),
        (linear_of(10, -1), ValueError, "Linear: d_out must be an integer >= 1; got -1"),
        (linear_of(2, True), TypeError, "Linear: d_out must be an integer >= 1; got True (bool)"),
        (linear_of(2, 2, dtype=int), ValueError, "Linear: dtype must be 'float32' or 'float64'"),
        (linear_of(2, 2, init="he"), TypeError, "Linear: init must be an initializer such as"),
        (linear_of(2, 2, rng="42"), TypeError, "Linear: rng must be an integer >= 0; got '42'"),
        (lambda: Dropout(1.5), ValueError, "Dropout: p must be a number in [0, 1); got 1.5"),
        (lambda: Dropout(-0.1), ValueError, "Dropout: p must be a number in [0, 1); got -0.1"),
        (lambda: Dropout("0.5"), TypeError, "Dropout: p must be a number in [0, 1); got '0.5'"),
        (lambda: Dropout(50), ValueError, "got 50. Is it a percentage? Use 0.5."),
        (lambda: Dropout(1), ValueError, "Dropout: p must be a number in [0, 1); got 1."),
        (
            lambda: MultiHeadAttention(10, 3, rng=0),
            ValueError,
            "MultiHeadAttention: d (10) must be divisible by heads (3); try 2 or 5 or 10.",
        ),
        (
            lambda: MultiHeadAttention(8, 2.0, rng=0),
            TypeError,
            "MultiHeadAttention: heads must be an integer >= 1; got 2.0 (float).",
        ),
        (lambda: Layer("relu"), TypeError, "Layer: block must be a block such as"),
        (lambda: Layer(np.tanh), TypeError, "nnlib.blocks.relu; got ufunc."),
        (
            lambda: Layer(linear, W=[[1.0]], b=np.ones(1)),
            TypeError,
            "Layer: W must be a float array; got list. Use np.asarray(W, float).",
        ),
        (
            lambda: Layer(linear, W=np.ones((1, 1), int), b=np.ones(1)),
            TypeError,
            "Layer: W must be float32 or float64; got int64.",
        ),
        (
            lambda: Sequential(Linear(4, 3, rng=0), relu),
            TypeError,
            "Sequential: part 1 must be a layer; got relu. A block? Use Layer(relu).",
        ),
        (lambda: Residual(3), TypeError, "Residual: part 0 must be a layer; got int."),
        (lambda: Sequential(), ValueError, "Sequential: needs at least one part."),
        (
            lambda: parameter_vector(Layer(relu)),
            ValueError,
            "parameter_vector: Layer has no parameters.",
        ),
        (
            lambda: parameter_vector(relu),
            TypeError,
            "parameter_vector: model must be a layer or model; got relu.",
        ),
        (
            lambda: parameter_vector(
                Sequential(Linear(2, 2, rng=0), Linear(2, 2, rng=0, dtype="float32"))
            ),
            TypeError,
            "all parameters must have one type; got ['float32', 'float64'].",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_layer_is_refused_when_it_is_made(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("between", "gap"),
    [([], 1), ([Layer(relu)], 2), ([Dropout(0.5), Layer(tanh)], 3)],
    ids=["joined", "across relu", "across dropout and tanh"],
)
def test_widths_that_do_not_join_are_told_before_any_data_is_seen(between, gap):
    message = f"^Sequential: part {gap} takes 64 features but part 0 gives 128.$"
    with pytest.raises(ValueError, match=message):
        Sequential(Linear(784, 128, rng=0), *between, Linear(64, 10, rng=0))
    Sequential(Linear(784, 128, rng=0), *between, Linear(128, 10, rng=0))


def test_widths_are_not_compared_across_a_part_that_changes_them():
    model = Sequential(Linear(3, 4, rng=0), MLP(4, 5, rng=0, dtype="float64"), Linear(5, 2, rng=0))
    assert model(np.ones((1, 3)))[0].shape == (1, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda model: model(np.ones((5, 20))), ValueError, "to go with x (5, 20); got (6, 4)."),
        (lambda model: model(np.ones((5, 4), int)), TypeError, "linear: x must be float32 or"),
        (lambda model: model([[1.0] * 4]), TypeError, "linear: x must be a float array; got list."),
        (lambda model: model(np.ones((5, 4), "f")), TypeError, "linear: all arrays must have one"),
        (
            lambda model: model(np.ones((5, 4)))[1](np.ones((3, 5))),
            ValueError,
            "linear: dy must have the output's shape (5, 3); got (3, 5).",
        ),
        (lambda model: model(np.ones((5, 4)))[1](np.ones((5, 3), "f")), TypeError, "dy must be an"),
    ],
)
def test_data_of_another_kind_is_refused_by_the_first_block(call, error, message):
    model = MLP(4, 6, 3, rng=0, dtype="float64")
    _, grad = parameter_vector(model)
    with pytest.raises(error) as raised:
        call(model)
    assert message in str(raised.value)
    assert not grad.any()
    model(np.ones((5, 4)))[1](np.ones((5, 3)))
    assert grad.any()


def test_a_model_says_what_it_needs():
    for method in (Model().layers, Model()):
        with pytest.raises(NotImplementedError):
            method()


# -- names ---------------------------------------------------------------------------------------


def plain(x, W, b=None):
    """A linear layer without a contract."""
    y = x @ W.T if b is None else x @ W.T + b
    return y, lambda dy: (dy @ W, dy.T @ x, dy.sum(axis=0))[: 2 if b is None else 3]


def of_two(x, context, *, scale=1.0):
    """A block of data alone."""
    return scale * x * context, lambda dy: (dy * context, dy * x)


def looked_up(E, *, ids):
    """An embedding without a contract."""
    return E[ids], lambda dy: np.zeros_like(E)


@block("x (n,), w (n,) -> y (n,)")
def scaled(x, w):
    """A block whose contract tells data from parameters by their places alone."""
    return x * w, lambda dy: (dy * w, dy * x)


@block("W (m, n), x (..., n) -> y (..., m)")
def reverse(W, x):
    """A block that takes its parameter first."""
    return x @ W.T, lambda dy: (dy.T @ x, dy @ W)


def told(value):
    """A part of a test's name that is the same in every process."""
    return value if isinstance(value, str) else getattr(value, "__name__", "")


A, V = np.arange(12.0).reshape(3, 4), np.arange(4.0)
B = np.array([5.0, 6.0, 7.0])


@pytest.mark.parametrize(
    ("block", "given", "names"),
    [
        (linear, {"b": B, "W": A}, "W b"),
        (layer_norm, {"beta": V, "gamma": V + 1}, "gamma beta"),
        (partial(layer_norm, eps=0.1), {"beta": V, "gamma": V + 1}, "gamma beta"),
        (plain, {"b": B, "W": A}, "W b"),
        (plain, {"W": A}, "W"),
        (plain, {"b": B}, "b"),
        (linear_on_data, {"b": B, "W": A}, "W b"),
        (embedding, {"E": A}, "E"),
        (looked_up, {"E": A}, "E"),
        (scaled, {"w": V}, "w"),
        (of_two, {}, ""),
        (relu, {}, ""),
        (lambda *arrays: arrays, {"Q": A, "R": A + 0}, "Q R"),
    ],
    ids=told,
)
def test_parameters_stand_in_the_blocks_order_however_they_are_given(block, given, names):
    layer = Layer(block, **given)
    assert list(layer.params) == list(layer.grads) == names.split()
    assert all(layer.params[name] is given[name] for name in layer.params)


def test_gamma_is_gamma_and_beta_is_beta_in_value_and_gradient_and_theta():
    x, dy = np.random.default_rng(0).standard_normal((2, 5, 4))
    gamma, beta = V + 1, -V
    layer = Layer(layer_norm, beta=beta, gamma=gamma)
    y, pullback = layer(x)
    want, want_pullback = layer_norm(x, gamma, beta)
    dx, dgamma, dbeta = want_pullback(dy)
    assert y.tobytes() == want.tobytes()
    assert pullback(dy).tobytes() == dx.tobytes()
    assert layer.grads["gamma"].tobytes() == dgamma.tobytes()
    assert layer.grads["beta"].tobytes() == dbeta.tobytes()
    assert parameter_vector(layer)[0].tolist() == [*gamma, *beta]


@pytest.mark.parametrize(
    ("block", "given", "message"),
    [
        (linear, {"weight": A, "bias": B}, "linear has no parameter 'weight'; it takes W, b."),
        (linear, {"W": A, "b": B, "c": B}, "linear has no parameter 'c'; it takes W, b."),
        (linear, {"w": A, "b": B}, "linear has no parameter 'w'"),
        (linear, {"W": A}, "linear needs b; give it by name, b=..."),
        (linear, {"b": B}, "linear needs W"),
        (linear, {}, "linear needs W"),
        (linear, {"x": A, "W": A, "b": B}, "linear is called with 'x'; it takes W, b."),
        (layer_norm, {"gamma": V}, "layer_norm needs beta"),
        (layer_norm, {"beta": V}, "layer_norm needs gamma"),
        (layer_norm, {"gamma": V, "beta": V, "eps": V}, "layer_norm has no parameter 'eps'"),
        (embedding, {"E": A, "ids": V}, "embedding has no parameter 'ids'"),
        (linear_on_data, {"W": A, "b": B, "x": A}, "has no parameter 'x'; it takes W, b."),
        (relu, {"W": A}, "relu has no parameter 'W'; it takes none."),
        (relu, {"x": A}, "relu is called with 'x'"),
        (plain, {"weight": A}, "plain has no parameter 'weight'"),
        (plain, {"x": A, "W": A}, "plain is called with 'x'"),
        (lambda x, W, b: None, {"W": A}, "needs b; give it by name, b=..."),
        (lambda x, W, a=1, b=2: None, {"W": A, "b": B}, "must take its data (x, a) first"),
        (looked_up, {"E": A, "ids": V}, "looked_up has no parameter 'ids'"),
        (scaled, {"x": V, "w": V}, "scaled is called with 'x'"),
        (scaled, {"v": V}, "scaled has no parameter 'v'; it takes w."),
        (reverse, {"W": A}, "its parameters (W) behind; got reverse(W, x)."),
    ],
    ids=told,
)
def test_a_name_that_does_not_fit_the_block_is_refused(block, given, message):
    with pytest.raises(TypeError, match="^Layer: ") as raised:
        Layer(block, **given)
    assert message in str(raised.value)


def not_a_block(v):
    return np.maximum(v, 0)


@pytest.mark.parametrize(
    "activation",
    [
        not_a_block,
        lambda v: (v, v, v),
        lambda v: (v, v),
        lambda v: [v, lambda dy: dy],
        lambda v: None,
    ],
    ids=["array", "three", "no pullback", "list", "none"],
)
@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_function_that_gives_no_pullback_is_named_when_it_is_called(activation, samples):
    message = r"^Layer: .* must return the pair \(value, pullback\); got .*nnlib\.blocks\.relu"
    for model in (MLP(4, 3, 2, activation=activation, rng=0), Layer(activation)):
        with pytest.raises(TypeError, match=message) as raised:
            model(np.ones((samples, 4), "f"))
        assert activation.__name__ in str(raised.value)


# -- what joins ----------------------------------------------------------------------------------


def lin(d_in, d_out):
    return Linear(d_in, d_out, rng=0)


def norm(d):
    return Layer(layer_norm, gamma=np.ones(d), beta=np.zeros(d))


JOINS = {  # parts, the part at fault and what it takes, the part that gives and what it gives
    "nested": ([Sequential(lin(4, 3)), lin(5, 2)], (1, 5, 0, 3)),
    "nested behind": ([lin(4, 3), Sequential(Layer(relu), lin(5, 2))], (1, 5, 0, 3)),
    "twice nested": ([Sequential(Sequential(lin(4, 3))), Sequential(lin(5, 2))], (1, 5, 0, 3)),
    "MLPs": ([MLP(4, 8, 3, rng=0), Layer(relu), MLP(5, 2, rng=0)], (2, 5, 0, 3)),
    "a residual": ([lin(4, 3), Residual(lin(5, 5))], (1, 5, 0, 3)),
    "behind a residual": ([Residual(lin(4, 4)), lin(5, 2)], (1, 5, 0, 4)),
    "across a residual": ([lin(4, 3), Residual(Layer(tanh)), lin(5, 2)], (2, 5, 0, 3)),
    "a norm": ([lin(4, 3), norm(5)], (1, 5, 0, 3)),
    "behind a norm": ([norm(3), Dropout(0.5), lin(5, 2)], (2, 5, 0, 3)),
    "embedded": ([Layer(embedding, E=np.ones((7, 3))), lin(5, 2)], (1, 5, 0, 3)),
}


@pytest.mark.parametrize(("parts", "fault"), JOINS.values(), ids=JOINS)
def test_parts_of_every_kind_that_do_not_join_are_told_at_construction(parts, fault):
    part, takes, giver, gives = fault
    message = f"^Sequential: part {part} takes {takes} features but part {giver} gives {gives}.$"
    with pytest.raises(ValueError, match=message):
        Sequential(*parts)


def test_parts_that_join_or_tell_no_width_pass():
    rolled = Layer(lambda x: (x[..., :2], lambda dy: np.pad(dy, ((0, 0), (0, 2)))))
    Sequential(Sequential(lin(4, 3), Layer(relu)), Sequential(norm(3), lin(3, 5)), lin(5, 2))
    y, pullback = Sequential(lin(3, 4), rolled, lin(2, 3))(np.ones((5, 3)))
    assert pullback(y).shape == (5, 3)


@pytest.mark.parametrize(
    ("part", "takes", "gives"),
    [
        (lin(4, 5), 4, 5),
        (lin(4, 1), 4, 1),
        (Sequential(lin(4, 5), Layer(relu), norm(5)), 4, 5),
        (Sequential(Layer(relu), lin(4, 1)), 4, 1),
        (MLP(4, 8, 3, rng=0), 4, 3),
    ],
)
def test_a_residual_part_that_gives_another_width_is_refused_at_construction(part, takes, gives):
    message = f"^Residual: part must give what it takes, {takes}; it gives {gives}.$"
    with pytest.raises(ValueError, match=message):
        Residual(part)


@pytest.mark.parametrize("kept", [slice(0, 1), slice(0, 2)])
def test_a_residual_part_is_never_broadcast(kept):
    part = Layer(lambda x: (x[..., kept], lambda dy: dy))
    with pytest.raises(ValueError, match=r"^Residual: part must give what it takes, \(3, 4\); it"):
        Residual(part)(np.ones((3, 4)))


WRONG_INITS = {
    "transposed": (lambda s, rng: np.ones(s[::-1]), ValueError, "shape (3, 4); got (4, 3)."),
    "one number": (lambda s, rng: 0.1, ValueError, "shape (3, 4); got ()."),
    "broadcastable": (lambda s, rng: np.ones((1, 4)), ValueError, "got (1, 4)."),
    "three axes": (lambda s, rng: np.ones((1, *s)), ValueError, "got (1, 3, 4)."),
    "nothing": (lambda s, rng: None, TypeError, "what init returns must be an array; got NoneType"),
    "complex": (lambda s, rng: 1j * np.ones(s), TypeError, "got complex128"),
    "NaN": (lambda s, rng: np.full(s, np.nan), ValueError, "what init returns contains NaN"),
    "too large": (lambda s, rng: np.full(s, 1e300), ValueError, "contains infinity"),
}


@pytest.mark.parametrize(("init", "error", "message"), WRONG_INITS.values(), ids=WRONG_INITS)
@pytest.mark.parametrize(
    "build",
    [
        lambda init: Linear(4, 3, init=init, rng=0, dtype="float32"),
        lambda init: MLP(4, 3, init=init, rng=0),
        lambda init: TwoLayerNetwork(2, 4, 3, 5, init=init, rng=0),
    ],
    ids=["Linear", "MLP", "document C"],
)
def test_an_initializer_that_returns_no_weights_of_that_shape_is_refused(
    build, init, error, message
):
    with pytest.raises(error) as raised:
        build(init)
    assert message in str(raised.value)


def test_an_initializers_own_array_is_not_the_layers():
    kept = np.ones((3, 4))
    layer = Linear(4, 3, init=lambda shape, rng: kept, rng=0)
    layer.params["W"][:] = 2
    assert (kept == 1).all()


@pytest.mark.parametrize("rng", [0, np.random.RandomState(0), "0"], ids=["seed", "legacy", "text"])
def test_dropout_refuses_what_is_no_generator(rng):
    model = Sequential(Linear(4, 3, rng=0), Dropout(0.5))
    with pytest.raises(TypeError, match=r"^Dropout: rng must be a Generator; got .* Use np.random"):
        model(np.ones((2, 4)), rng=rng)


def test_dropout_refuses_a_list_as_every_block_does():
    with pytest.raises(TypeError, match=r"^dropout: x must be a float array; got list"):
        Dropout(0.5)([[1.0]])
