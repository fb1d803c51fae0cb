"""What nnlib.optimizers promises: each rule as written, PyTorch's numbers, and no torn step."""

import json
from math import cos, pi, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interrupts import interrupted, needs_timer
from rules_table import TWINS
from stored_values import golden_of

from nnlib import optimizers
from nnlib.optimizers import (
    OPTIMIZERS,
    AdaGrad,
    Adam,
    GradientDescent,
    Momentum,
    Optimizer,
    RMSprop,
    cosine_decay,
    exponential_decay,
    inverse_sqrt,
    step_decay,
    warmup,
)

EVERY = 5  # the golden parameters are those after every fifth step
FORMS = {  # the documents' own forms, which PyTorch does not have
    "Momentum/lr_inside": (Momentum, {"lr": 0.1, "form": "lr_inside"}),
    "Momentum/ema": (Momentum, {"lr": 0.1, "form": "ema"}),
    "AdaGrad/eps_inside": (AdaGrad, {"lr": 0.1, "eps": 1e-8, "eps_inside": True}),
    "RMSprop/eps_inside": (RMSprop, {"lr": 0.1, "eps_inside": True}),
    "Adam/eps_inside": (Adam, {"lr": 0.1, "eps_inside": True}),
    "Adam/uncorrected": (Adam, {"lr": 0.1, "bias_correction": False}),
    "Adam/eps_inside/uncorrected": (
        Adam,
        {"lr": 0.1, "eps_inside": True, "bias_correction": False},
    ),
}
LISTED = {name: (rule, constants) for name, (rule, constants, _) in TWINS.items()} | FORMS
EVERY_FORM = {name: (rule, {"lr": 0.1}) for name, rule in OPTIMIZERS.items()} | LISTED
each_form = pytest.mark.parametrize("name", EVERY_FORM)
each_rule = pytest.mark.parametrize("rule", OPTIMIZERS.values(), ids=list(OPTIMIZERS))


def build(name, theta):
    """The optimizer of this name on a copy of theta."""
    rule, constants = EVERY_FORM[name]
    return rule(np.array(theta), **constants)


def state_of(optimizer):
    """All that an optimizer may change, as bytes."""
    return {k: np.asarray(v).tobytes() for k, v in vars(optimizer).items() if k != "name"}


def path_of(optimizer, gradients):
    """Theta behind each step."""
    path = []
    for g in gradients:
        optimizer.step(g)
        path.append(optimizer.theta.copy())
    return np.array(path)


@pytest.fixture(scope="module")
def golden():
    return golden_of("training")


# -- the same numbers as PyTorch -----------------------------------------------------------------


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)], ids=["f64", "f32"]
)
def test_two_hundred_steps_end_where_pytorchs_do(golden, name, dtype, tolerance):
    optimizer = build(name, golden["theta"].astype(dtype))
    path = path_of(optimizer, golden["gradients"].astype(dtype))[EVERY - 1 :: EVERY]
    scale = np.maximum(1, np.abs(golden[name]))
    assert path.shape == golden[name].shape
    assert np.max(np.abs(path - golden[name]) / scale) <= tolerance


# -- the documents' forms, as loops over the equations as they stand there -----------------------


def document_momentum(theta, g, state, lr, momentum=0.9, form="lr_inside"):
    if form == "lr_inside":  # A-4.1-momentum
        state["v"] = momentum * state["v"] + lr * g
        return theta - state["v"]
    state["v"] = momentum * state["v"] + (1 - momentum) * g  # E-momentum
    return theta - lr * state["v"]


def document_adagrad(theta, g, state, lr, eps, eps_inside=True):  # A-4.2-G, A-4.2-update
    state["v"] = state["v"] + g**2
    return theta - lr / np.sqrt(state["v"] + eps) * g


def document_rmsprop(theta, g, state, lr, eps=1e-8, eps_inside=True):  # A-4.3-avg, A-4.3-update
    state["v"] = 0.99 * state["v"] + 0.01 * g**2
    return theta - lr / np.sqrt(state["v"] + eps) * g


def document_adam(theta, g, state, lr, eps=1e-8, eps_inside=False, bias_correction=True):
    state["t"] += 1  # A-4.4-m, A-4.4-v, A-4.4-biascorr, A-4.4-update
    state["m"] = 0.9 * state["m"] + 0.1 * g
    state["v"] = 0.999 * state["v"] + 0.001 * g**2
    m_hat, v_hat = state["m"], state["v"]
    if bias_correction:
        m_hat = state["m"] / (1 - 0.9 ** state["t"])
        v_hat = state["v"] / (1 - 0.999 ** state["t"])
    return theta - lr * m_hat / (np.sqrt(v_hat + eps) if eps_inside else np.sqrt(v_hat) + eps)


DOCUMENTS = {
    Momentum: document_momentum,
    AdaGrad: document_adagrad,
    RMSprop: document_rmsprop,
    Adam: document_adam,
}


@pytest.mark.parametrize("name", FORMS)
def test_the_documents_forms_are_the_documents_equations(golden, name):
    rule, constants = FORMS[name]
    state = {"m": 0.0, "v": 0.0, "t": 0}
    theta, want = golden["theta"], []
    for g in golden["gradients"]:
        theta = DOCUMENTS[rule](theta, g, state, **constants)
        want.append(theta)
    got, want = path_of(build(name, golden["theta"]), golden["gradients"]), np.array(want)
    assert np.max(np.abs(got - want) / np.maximum(1, np.abs(want))) <= 1e-12


@given(lr=st.floats(1e-4, 1.0), momentum=st.floats(0.0, 0.99))
def test_the_learning_rate_may_stand_inside_the_velocity_while_it_is_constant(lr, momentum):
    theta, gradients = np.ones(3), np.random.default_rng(0).standard_normal((50, 3))
    standard = path_of(Momentum(theta.copy(), lr, momentum), gradients)
    inside = path_of(Momentum(theta.copy(), lr, momentum, form="lr_inside"), gradients)
    np.testing.assert_allclose(inside, standard, rtol=1e-12, atol=1e-12 * np.abs(standard).max())


def test_the_learning_rate_inside_the_velocity_lags_when_it_changes():
    inside, standard = (Momentum(np.zeros(1), 1.0, 0.5, form=f) for f in ("lr_inside", "standard"))
    for optimizer in (inside, standard):
        optimizer.step(np.ones(1))
        optimizer.lr = 0.0
        optimizer.step(np.ones(1))
    assert (inside.theta, standard.theta) == (-1.5, -1.0)


@given(lr=st.floats(1e-4, 1.0), momentum=st.floats(0.0, 0.99))
def test_the_running_mean_needs_a_rate_larger_by_one_over_one_minus_momentum(lr, momentum):
    theta, gradients = np.ones(3), np.random.default_rng(0).standard_normal((50, 3))
    standard = path_of(Momentum(theta.copy(), lr, momentum), gradients)
    mean = path_of(Momentum(theta.copy(), lr / (1 - momentum), momentum, form="ema"), gradients)
    np.testing.assert_allclose(mean, standard, rtol=1e-12, atol=1e-12 * np.abs(standard).max())


# -- Adam's first step ---------------------------------------------------------------------------


@pytest.mark.parametrize("g", [-300.0, -1.0, 2.0, 5e4])
def test_adams_first_step_is_the_learning_rate_whatever_the_gradient(g):
    optimizer = Adam(np.zeros(1), lr=0.01)
    optimizer.step(np.array([g]))
    assert optimizer.theta[0] == pytest.approx(-0.01 * np.sign(g), rel=2e-8)


def test_without_the_correction_the_first_step_is_root_ten_times_too_large():
    optimizer = Adam(np.zeros(1), lr=0.01, bias_correction=False)
    optimizer.step(np.array([2.0]))
    assert optimizer.theta[0] == pytest.approx(-0.01 * sqrt(10), rel=1e-6)


def test_the_corrected_moments_of_a_constant_gradient_are_the_gradient_and_its_square():
    optimizer, g = Adam(np.zeros(2)), np.array([3.0, -0.5])
    assert not optimizer.m_hat.any()
    assert not optimizer.v_hat.any()
    for _ in range(50):
        optimizer.step(g)
        np.testing.assert_allclose(optimizer.m_hat, g, rtol=1e-13)
        np.testing.assert_allclose(optimizer.v_hat, g**2, rtol=1e-13)


def test_without_the_correction_the_moments_are_as_they_are():
    optimizer = Adam(np.zeros(2), bias_correction=False)
    optimizer.step(np.array([3.0, -0.5]))
    assert optimizer.m_hat.tobytes() == optimizer.m.tobytes()
    assert optimizer.v_hat.tobytes() == optimizer.v.tobytes()
    np.testing.assert_allclose(optimizer.m, [0.3, -0.05], rtol=1e-14)


# -- zeros and extremes --------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in EVERY_FORM if "weight_decay" not in name])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_zero_gradient_moves_nothing(name, dtype):
    theta = np.array([1.5, 0.0, -2.0], dtype)
    optimizer = build(name, theta)
    for _ in range(3):
        optimizer.step(np.zeros(3, dtype))
    assert optimizer.theta.tobytes() == theta.tobytes()
    assert all(np.isfinite(value).all() for value in optimizer.state().values())


def first_step(name, g):
    """How far theta = 0 goes for a gradient, in exact arithmetic rounded once or twice."""
    rule, constants = EVERY_FORM[name]
    lr, eps = constants.get("lr", 1e-3), constants.get("eps", 1e-8)
    if rule is GradientDescent:
        return -lr * g
    if rule is Momentum:
        ahead = 1 + constants.get("momentum", 0.9) if constants.get("nesterov") else 1
        return -lr * g * ahead * (1 - 0.9 if constants.get("form") == "ema" else 1)
    corrected = rule is Adam and constants.get("bias_correction", True)
    m_share = 1 if rule is not Adam or corrected else 0.1
    v_share = {AdaGrad: 1, RMSprop: 1 - constants.get("decay", 0.99), Adam: 0.001}[rule]
    v_share = 1 if corrected else v_share
    eps = 1e-10 if rule is AdaGrad and "eps" not in constants else eps
    size = abs(g) * sqrt(v_share)
    scale = sqrt(size**2 + eps) if constants.get("eps_inside") else size + eps
    return -lr * m_share * g / scale


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("g", [1e-160, 1e-8, 1.0, 1e8, -1e140])
def test_tiny_and_huge_gradients_survive(name, g):
    optimizer = build(name, np.zeros(1))
    optimizer.step(np.array([g]))
    assert optimizer.theta[0] == pytest.approx(first_step(name, g), rel=1e-12, abs=0)


# -- what a step may touch -----------------------------------------------------------------------


@each_form
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_types_stay_as_they_are(name, dtype):
    optimizer = build(name, np.ones(3, dtype))
    for _ in range(2):
        optimizer.step(np.ones(3, dtype))
    arrays = [value for value in vars(optimizer).values() if isinstance(value, np.ndarray)]
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}


@each_form
def test_a_step_moves_the_given_vector_itself_and_leaves_the_gradient_alone(name):
    optimizer, g = build(name, np.ones(3)), np.array([1.0, -2.0, 0.5])
    theta, g.flags.writeable = optimizer.theta, False
    view = theta[:2]
    optimizer.step(g)
    assert optimizer.theta is theta
    assert (view != 1).all()
    assert optimizer.t == 1


@each_form
def test_moments_once_read_are_never_overwritten(name):
    """A plot, or the run's last good state, may keep them."""
    optimizer = build(name, np.ones(3))
    optimizer.step(np.ones(3))
    kept = optimizer.state()
    before = {k: np.array(v) for k, v in kept.items()}
    optimizer.step(-3 * np.ones(3))
    assert all(np.array_equal(kept[k], before[k]) for k in kept)


@each_rule
def test_the_rate_is_read_at_each_step(rule):
    one, other = rule(np.ones(2), lr=0.5), rule(np.ones(2), lr=0.1)
    one.lr = 0.1
    for optimizer in (one, other):
        optimizer.step(np.array([1.0, 2.0]))
    assert one.theta.tobytes() == other.theta.tobytes()


@each_form
def test_state_and_settings_together_are_the_whole_optimizer(name):
    optimizer = build(name, np.ones(3))
    optimizer.step(np.ones(3))
    whole = {**optimizer.state(), **optimizer.settings(), "theta": 0, "home": 0}
    assert whole.keys() == vars(optimizer).keys()
    twin = build(name, optimizer.theta)
    vars(twin).update(optimizer.state())
    for each in (optimizer, twin):
        each.step(np.array([1.0, -1.0, 2.0]))
    assert state_of(twin) == state_of(optimizer)


# -- mistakes in rates, constants and what is moved ----------------------------------------------

BAD_RATES = [-0.1, np.nan, np.inf, "0.1", True, None]


@each_rule
@pytest.mark.parametrize("lr", BAD_RATES, ids=repr)
def test_a_wrong_rate_is_refused_at_first_and_later(rule, lr):
    error = ValueError if isinstance(lr, float) else TypeError
    message = f"^{rule.__name__}: lr must be a number in \\[0, inf\\); got {lr!r}"
    with pytest.raises(error, match=message):
        rule(np.ones(3), lr=lr)
    optimizer = rule(np.ones(3), lr=0.1)
    with pytest.raises(error, match=message):
        optimizer.lr = lr
    assert optimizer.lr == 0.1


@pytest.mark.parametrize(
    ("rule", "constants", "error", "message"),
    [
        (Momentum, {"momentum": 1}, ValueError, "momentum must be a number in [0, 1); got 1."),
        (Momentum, {"momentum": np.nan}, ValueError, "must be a number in [0, 1); got nan."),
        (Momentum, {"momentum": 90}, ValueError, "Is it a percentage? Use 0.9."),
        (Momentum, {"form": "pytorch"}, ValueError, "or 'ema'; got 'pytorch'."),
        (AdaGrad, {"eps": 0}, ValueError, "eps must be a number in (0, inf); got 0."),
        (RMSprop, {"decay": 1.5}, ValueError, "decay must be a number in [0, 1); got 1.5."),
        (RMSprop, {"eps": -1e-8}, ValueError, "eps must be a number in (0, inf); got -1e-08."),
        (Adam, {"beta1": 1.0}, ValueError, "beta1 must be a number in [0, 1); got 1.0."),
        (Adam, {"beta2": np.nan}, ValueError, "beta2 must be a number in [0, 1); got nan."),
        (Adam, {"beta1": (0.9, 0.999, 0)}, TypeError, "got (0.9, 0.999, 0) (tuple)."),
        (Adam, {"eps": "1e-8"}, TypeError, "eps must be a number in (0, inf); got '1e-8' (str)."),
    ],
    ids=str,
)
def test_a_wrong_constant_is_refused(rule, constants, error, message):
    with pytest.raises(error) as raised:
        rule(np.ones(3), lr=0.1, **constants)
    assert str(raised.value).startswith(f"{rule.__name__}: ")
    assert message in str(raised.value)


@each_rule
@pytest.mark.parametrize(
    ("theta", "error", "message"),
    [
        (np.ones(0), ValueError, "theta must be a vector of parameters; got shape (0,)."),
        (np.ones((2, 2)), ValueError, "theta must be a vector of parameters; got shape (2, 2)."),
        ([1.0, 2.0], TypeError, "theta must be a float array; got list."),
        (np.arange(3), TypeError, "theta must be float32 or float64; got int64."),
        (None, TypeError, "theta must be a float array; got NoneType."),
    ],
    ids=str,
)
def test_parameters_that_are_no_vector_are_refused(rule, theta, error, message):
    with pytest.raises(error) as raised:
        rule(theta, lr=0.1)
    assert str(raised.value).startswith(f"{rule.__name__}: {message}")


@each_form
@pytest.mark.parametrize(
    ("g", "error", "message"),
    [
        (np.ones((3, 1)), ValueError, "g must have theta's shape (3,); got (3, 1)."),
        (np.ones(2), ValueError, "g must have theta's shape (3,); got (2,)."),
        ([1.0, 2.0, 3.0], ValueError, "g must have theta's shape (3,); got list."),
        (None, ValueError, "g must have theta's shape (3,); got NoneType."),
        (np.ones(3, "f"), TypeError, "g must have theta's type float64; got float32."),
        (np.ones(3, int), TypeError, "g must have theta's type float64; got int64."),
        (np.array([1, np.nan, 1]), FloatingPointError, "g has 1 entries that are NaN or infinite"),
        (np.array([np.inf, 1, -np.inf]), FloatingPointError, "g has 2 entries that are NaN or inf"),
    ],
    ids=str,
)
def test_a_wrong_gradient_changes_nothing_and_the_right_one_then_works(name, g, error, message):
    optimizer, untroubled = build(name, np.ones(3)), build(name, np.ones(3))
    for each in (optimizer, untroubled):
        each.step(np.array([1.0, 2.0, -1.0]))
    before = state_of(optimizer)
    with pytest.raises(error) as raised:
        optimizer.step(g)
    assert str(raised.value).startswith(f"{optimizer.name}: {message}")
    assert state_of(optimizer) == before
    for each in (optimizer, untroubled):
        each.step(np.array([0.5, -0.5, 0.0]))
    assert state_of(optimizer) == state_of(untroubled)


def test_the_error_for_a_gradient_that_is_not_finite_names_the_step():
    optimizer = Adam(np.ones(3))
    optimizer.step(np.ones(3))
    with pytest.raises(FloatingPointError, match="at step 2; parameters unchanged"):
        optimizer.step(np.array([1, np.nan, 1]))


def test_a_large_gradient_is_no_infinite_one():
    """Its square overflows in float32, but it is finite."""
    optimizer = GradientDescent(np.zeros(2, "f"), lr=1e-30)
    optimizer.step(np.array([1e30, -1e30], "f"))
    np.testing.assert_allclose(optimizer.theta, [-1, 1], rtol=1e-6)


# -- finite numbers or no step -------------------------------------------------------------------

each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


def refused(optimizer, g):
    """Assert that the step is refused, and nothing is moved; and that the next good one works."""
    before = state_of(optimizer)
    with pytest.raises(FloatingPointError, match=f"^{optimizer.name}: step .* unchanged") as raised:
        optimizer.step(g)
    assert state_of(optimizer) == before
    return str(raised.value)


@pytest.mark.parametrize("name", [name for name, (rule, _) in EVERY_FORM.items()
                                  if rule in (AdaGrad, RMSprop, Adam)])  # fmt: skip
@each_type
@pytest.mark.parametrize("steps", [0, 3])
def test_a_finite_gradient_whose_square_is_not_is_refused(name, dtype, steps):
    optimizer = build(name, np.ones(3, dtype))
    for _ in range(steps):
        optimizer.step(np.array([1.0, -2.0, 0.5], dtype))
    g = np.array([1.0, {"float32": 1e20, "float64": 1e200}[dtype], 1.0], dtype)
    message = refused(optimizer, g)
    assert f"step {steps + 1} leaves the range of {dtype}" in message
    assert "gradient (up to 1e+2" in message
    optimizer.step(np.array([1.0, -2.0, 0.5], dtype))
    assert optimizer.t == steps + 1
    assert all(np.isfinite(a).all() for a in (optimizer.theta, *optimizer.state().values()))


@each_form
@each_type
def test_a_rate_that_carries_theta_out_of_its_type_is_refused(name, dtype):
    optimizer, top = build(name, np.full(3, 0.5, dtype)), float(np.finfo(dtype).max)
    optimizer.lr = min(1e3 * top, 1e308)
    g = np.full(3, -1e3, dtype)
    with np.errstate(over="ignore"):  # as a training run does
        for _ in range(9):  # some rules take a few steps of this rate to get there
            before = optimizer.theta.copy()
            try:
                optimizer.step(g)
            except FloatingPointError:
                break
    assert optimizer.t < 9
    assert optimizer.theta.tobytes() == before.tobytes()
    refused(optimizer, g)
    assert np.isfinite(optimizer.theta).all()


@each_form
@each_type
def test_a_theta_at_the_edge_of_its_type_does_not_go_over(name, dtype):
    edge = 0.99 * np.finfo(dtype).max
    optimizer = build(name, np.array([edge, 1.0], dtype))
    optimizer.lr = 0.1 * float(edge)
    refused(optimizer, np.array([-10.0, 0.0], dtype))


@pytest.mark.parametrize("rule", [Momentum, AdaGrad, RMSprop, Adam], ids=lambda r: r.__name__)
@each_type
def test_a_moment_that_is_at_the_edge_of_its_type_does_not_go_over(rule, dtype):
    optimizer, edge = rule(np.zeros(2, dtype), lr=0.0), np.finfo(dtype).max
    optimizer.v = np.array([0.9 * edge, 1.0], dtype)
    if rule is Adam:
        optimizer.m = np.array([-0.9 * edge, 1.0], dtype)
    root = {Momentum: 0.9 * edge, Adam: 0.9 * edge}.get(rule, 0.9 * np.sqrt(edge))
    if rule is RMSprop:  # a running mean of finite squares stays where they are
        root = np.sqrt(edge) * 1.1
    refused(optimizer, np.array([root, 1.0], dtype))


@pytest.mark.parametrize("rule", [AdaGrad, RMSprop, Adam], ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("g", [0.0, 1e-30], ids=["zero", "whose square is zero"])
def test_an_eps_that_vanishes_in_theta_type_makes_no_nan(rule, g):
    optimizer = rule(np.ones(3, "f"), lr=0.1, eps=1e-50)
    assert "or eps too small?" in refused(optimizer, np.array([g, 1.0, 1.0], "f"))
    optimizer.step(np.ones(3, "f"))  # where it is not needed, it does no harm
    assert np.isfinite(optimizer.theta).all()


def test_adams_corrections_times_a_huge_rate_do_not_pass_as_infinity():
    refused(Adam(np.zeros(2), lr=1e308, beta1=0.99, beta2=0.9), np.ones(2))


# -- rules of others -----------------------------------------------------------------------------


class Lion(Optimizer):
    """A rule with a moment of its own, declared."""

    moments = ("h",)

    def __init__(self, theta, lr, decay=0.9):
        super().__init__(theta, lr)
        self.decay, self.h = np.float32(decay), np.zeros_like(theta)

    def update(self, g):
        h = float(self.decay) * self.h + g
        self.t, self.h, self.theta[:] = self.t + 1, h, self.theta - self.lr * np.sign(h)


class Careless(Optimizer):
    """A rule that declares nothing and writes into its moment."""

    def __init__(self, theta, lr):
        super().__init__(theta, lr)
        self.h, self.betas, self.first = np.zeros((1, theta.size)), (0.9, 0.99), theta[:1]

    def update(self, g):
        self.h[0] += g
        self.t += 1
        self.theta -= self.lr * self.h[0]


@pytest.mark.parametrize("rule", [Lion, Careless])
def test_the_state_of_anothers_rule_puts_it_back_where_it_stood(rule):
    optimizer, gradients = rule(np.ones(3), lr=0.1), np.random.default_rng(0).normal(size=(9, 3))
    path_of(optimizer, gradients[:3])
    kept, theta = optimizer.state(), optimizer.theta.copy()
    assert kept.keys() == {"t", "_lr", "h"}
    want = path_of(optimizer, gradients[3:])
    vars(optimizer).update(kept)
    optimizer.theta[:] = theta
    assert path_of(optimizer, gradients[3:]).tobytes() == want.tobytes()


def test_constants_are_settings_that_a_file_of_text_can_hold():
    settings = Lion(np.ones(3), lr=np.float32(0.1), decay=0.75).settings()
    assert json.loads(json.dumps(settings)) == settings == {"name": "Lion", "decay": 0.75}
    for rule in OPTIMIZERS.values():
        settings = rule(np.ones(3, "f"), lr=np.float32(0.5)).settings()
        assert json.loads(json.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("value", "got"),
    [([np.ones(3)], "list"), ((np.ones(3), 1.0), "tuple"), ({"h": np.ones(3)}, "dict")],
    ids=["list", "tuple", "dict"],
)
def test_arrays_that_cannot_be_put_back_are_refused_by_name(value, got):
    optimizer = Lion(np.ones(3), lr=0.1)
    optimizer.history = value
    for ask in (optimizer.state, optimizer.settings):
        with pytest.raises(TypeError, match=rf"^Lion: attribute 'history' must be .* got {got}\."):
            ask()


def test_what_no_file_can_hold_is_refused_by_name_but_trains():
    optimizer = Careless(np.ones(3), lr=0.1)
    optimizer.state()
    with pytest.raises(TypeError, match="^Careless: attribute 'betas' must be .* got tuple"):
        optimizer.settings()


def test_every_rule_of_the_library_stands_under_its_name():
    own = [rule for rule in vars(optimizers).values() if isinstance(rule, type)]
    rules = {rule for rule in own if issubclass(rule, Optimizer)} - {Optimizer}
    assert {rule.__name__: rule for rule in rules} == OPTIMIZERS


@each_form
def test_a_rule_of_the_library_declares_every_array_that_it_remembers(name):
    optimizer = build(name, np.ones(3))
    optimizer.step(np.ones(3))
    kept = {key for key, value in vars(optimizer).items() if isinstance(value, np.ndarray)}
    assert kept == {"theta", *optimizer.moments}


def test_a_read_only_theta_is_refused_at_once():
    theta = np.ones(3)
    theta.flags.writeable = False
    with pytest.raises(ValueError, match=r"^Adam: theta must be writeable; got a read-only array"):
        Adam(theta)


# -- Ctrl-C --------------------------------------------------------------------------------------


def step_for_ever(optimizer, gradients):
    """Step t takes the gradient t of the list, which begins anew when it ends."""
    while True:
        optimizer.step(gradients[optimizer.t % len(gradients)])


def torn_states(name, trials):
    """How often an interrupt leaves t, moments and theta of different steps."""
    rng, theta = np.random.default_rng(0), np.zeros(500)
    gradients = rng.standard_normal((7, theta.size))
    torn = 0
    for _ in range(trials):
        optimizer, replay = build(name, theta), build(name, theta)

        assert interrupted(rng.uniform(0.001, 0.02), step_for_ever, optimizer, gradients)
        for step in range(optimizer.t):
            replay.step(gradients[step % len(gradients)])
        torn += state_of(optimizer) != state_of(replay)
    return torn


@needs_timer
@each_form
def test_an_interrupt_never_tears_a_step(name):
    assert torn_states(name, trials=3) == 0


@pytest.mark.slow
@needs_timer
@each_form
def test_sixty_interrupts_never_tear_a_step(name):
    assert torn_states(name, trials=60) == 0


# -- schedules -----------------------------------------------------------------------------------


def test_step_decay_falls_after_every_so_many_steps():
    schedule = step_decay(0.5, factor=0.1, every=3)
    np.testing.assert_allclose([schedule(k) for k in range(7)], [0.5] * 3 + [0.05] * 3 + [0.005])


def test_exponential_decay_falls_at_every_step():
    schedule = exponential_decay(2.0, factor=0.9)
    np.testing.assert_allclose([schedule(k) for k in range(5)], 2 * 0.9 ** np.arange(5))


def test_cosine_decay_falls_to_zero_and_stays_there():
    schedule = cosine_decay(3.0, steps=10)
    want = [3 * (1 + cos(pi * k / 10)) / 2 for k in range(10)] + [0, 0, 0]
    np.testing.assert_allclose([schedule(k) for k in range(13)], want, atol=1e-15)


def test_warmup_climbs_in_equal_stairs_to_the_schedule_behind_it():
    schedule = warmup(exponential_decay(1.0, factor=0.5), steps=4)
    np.testing.assert_allclose(
        [schedule(k) for k in range(6)], [1 / 4, 2 / 4 / 2, 3 / 4 / 4, 1 / 8, 1 / 16, 1 / 32]
    )


def test_inverse_sqrt_peaks_at_the_end_of_its_rise():
    schedule = inverse_sqrt(2.0, steps=100)
    rates = [schedule(k) for k in range(1000)]
    assert np.argmax(rates) == 99
    assert rates[99] == 2
    assert rates[49] == pytest.approx(1)
    assert rates[399] == pytest.approx(1)


def test_every_schedule_gives_a_rate_that_an_optimizer_takes():
    optimizer = GradientDescent(np.ones(1), lr=1)
    decays = step_decay(1, every=2), exponential_decay(1, factor=1), cosine_decay(1, steps=3)
    for schedule in (*decays, warmup(decays[0], steps=2), inverse_sqrt(1, steps=2)):
        for step in range(6):
            optimizer.lr = schedule(step)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: step_decay(-1, every=1), ValueError, "step_decay: lr must be a number"),
        (lambda: step_decay(1, every=0), ValueError, "step_decay: every must be an integer >= 1"),
        (lambda: step_decay(1, every=1, factor=0), ValueError, "step_decay: factor must be"),
        (lambda: cosine_decay(1, steps=2.5), TypeError, "cosine_decay: steps must be an integer"),
        (lambda: cosine_decay("1", steps=2), TypeError, "cosine_decay: lr must be a number"),
        (lambda: warmup(lambda step: 1.0, steps=0), ValueError, "warmup: steps must be an integer"),
        (lambda: inverse_sqrt(np.nan, steps=2), ValueError, "inverse_sqrt: lr must be a number"),
        (lambda: inverse_sqrt(1, steps=0), ValueError, "inverse_sqrt: steps must be an integer"),
    ],
)
def test_a_schedule_of_nonsense_is_refused_when_it_is_made(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gradient_is_no_subclass_of_an_array(name):
    """A masked entry would be computed with as if it were not masked."""
    theta = np.ones(3)
    optimizer = OPTIMIZERS[name](theta, lr=0.1)
    for g in (np.ma.masked_array(np.ones(3), [0, 1, 0]), np.ones(3).view(np.recarray)):
        message = rf"^{name}: g must be an array; got (Masked|rec).*np\.asarray\(g\)"
        with pytest.raises(TypeError, match=message):
            optimizer.step(g)
    assert theta.tolist() == [1, 1, 1]
