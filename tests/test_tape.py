"""What a tape promises: the way back of whatever is called through it, and nothing of its own."""

import ast
import gc
import inspect
import textwrap
import weakref

import numpy as np
import pytest

from nnlib.blocks import layer_norm, linear, relu, sigmoid, tanh
from nnlib.calculus import check_vjp
from nnlib.layers import Layer, Linear
from nnlib.losses import mse
from nnlib.mlp import MLP
from nnlib.parameters import parameter_vector
from nnlib.recurrent import recurrent
from nnlib.tape import Tape, add, taped
from nnlib.tokens import project


def drawn(*shapes, seed=0):
    """Arrays N(0, 1)."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


def multiply(x, y):
    return x * y, lambda dz: (dz * y, dz * x)


def test_a_tape_fits_on_a_page():
    tree = ast.parse(textwrap.dedent(inspect.getsource(Tape)))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
    assert len(ast.unparse(tree).replace("\n\n", "\n").splitlines()) <= 30


# -- the way back ---------------------------------------------------------------------------------


def test_a_value_that_is_used_twice_collects_both_gradients():
    (x,) = drawn(3)
    tape = Tape()
    s = tape(sigmoid, x)
    y = tape(multiply, tape(multiply, s, s), tape(add, s, x))  # s²(s + x)
    (dx,) = tape.back(y, np.ones(3), x)
    ds = s * (1 - s)
    assert np.allclose(dx, (3 * s * s + 2 * s * x) * ds + s * s, rtol=1e-14)


def test_the_way_back_of_a_network_is_the_one_composed_by_hand_to_the_bit():
    model, (x, dz) = MLP(4, 5, 3, rng=0, dtype="float64"), drawn((6, 4), (6, 3))
    _, grad = parameter_vector(model)
    z, pullback = model(x)
    dx, by_hand = pullback(dz), grad.copy()
    grad[:] = 0
    tape = Tape()
    h = x
    for part in model.parts:
        h = tape(part, h)
    (dx_of_tape,) = tape.back(h, dz, x)
    assert h.tobytes() == z.tobytes()
    assert dx_of_tape.tobytes() == dx.tobytes()
    assert grad.tobytes() == by_hand.tobytes()


@taped
def loop(tape, h, W, U, b, *, x):
    """A recurrent cell, from its forward pass alone."""
    for x_t in x:
        h = tape(tanh, tape(add, tape(linear, x_t, W, b), tape(project, h, U)))
    return h


def test_backpropagation_through_time_comes_out_of_a_loop():
    x, h0, W, U, b, dh = drawn((6, 2), 3, (3, 2), (3, 3), 3, 3)
    h, pullback = recurrent(x, h0, W, U, b)
    at_the_end = np.zeros_like(h)
    at_the_end[-1] = dh
    y, of_tape = loop(h0, W, U, b, x=x)
    assert np.allclose(y, h[-1], rtol=1e-14, atol=0)
    for got, want in zip(of_tape(dh), pullback(at_the_end)[1:]):
        assert np.allclose(got, want, rtol=1e-12, atol=1e-15)
    assert check_vjp(loop, h0, W, U, b, x=x) < 1e-7


def test_one_array_that_is_given_twice_is_two_arguments():
    product = taped(lambda tape, x, y: tape(multiply, x, tape(sigmoid, y)))
    (x,) = drawn(3)
    apart = product(x, x.copy())[1](np.ones(3))
    together = product(x, x)[1](np.ones(3))
    assert [a.tobytes() for a in together] == [a.tobytes() for a in apart]


def test_what_a_tape_has_made_is_a_block_that_a_tape_can_record():
    square = taped(lambda tape, x: tape(multiply, x, x))
    fourth = taped(lambda tape, x: tape(square, tape(square, x)))
    assert check_vjp(fourth, *drawn((2, 3))) < 1e-7


def test_every_law_of_a_block_holds_for_a_taped_one():
    @taped
    def normed_step(tape, x, gamma, beta, W, b):
        n = tape(layer_norm, x, gamma, beta)
        return tape(add, x, tape(relu, tape(linear, n, W, b)))

    x, gamma, beta, W, b = drawn((2, 3, 4), 4, 4, (4, 4), 4)
    assert check_vjp(normed_step, x, gamma, beta, W, b) < 1e-7
    single = [a.astype(np.float32) for a in (x, gamma, beta, W, b)]
    y, pullback = normed_step(*single)
    assert {a.dtype for a in (y, *pullback(y))} == {np.dtype(np.float32)}


def test_a_loss_at_the_end_is_gone_back_from_with_one():
    x, target = drawn(4, 4)
    tape = Tape()
    L = tape(mse, tape(sigmoid, x), target=target)
    s, s_pullback = sigmoid(x)
    (dx,) = tape.back(L, 1.0, x)
    assert dx.tobytes() == s_pullback(mse(s, target=target)[1](1.0)).tobytes()


def test_calls_that_do_not_lead_to_the_value_are_not_gone_through():
    used, aside = Linear(2, 2, rng=0), Linear(2, 2, rng=1)
    tape, (x,) = Tape(), drawn((1, 2))
    y = tape(used, x)
    tape(aside, x)
    tape(aside, y)
    tape.back(y, np.ones((1, 2)), x)
    assert used.grads["W"].any()
    assert not aside.grads["W"].any()


def test_the_way_back_can_be_gone_twice():
    tape, (x, y) = Tape(), drawn(3, 3)
    z = tape(multiply, tape(multiply, x, y), x)
    first, second = (tape.back(z, np.ones(3), x, y) for _ in "ab")
    assert [a.tobytes() for a in first] == [a.tobytes() for a in second]


# -- what a tape does not know --------------------------------------------------------------------


def test_a_tape_is_as_right_as_its_blocks():
    def wrong(x):
        return tanh(x)[0], lambda dy: dy * (1 - x * x)  # the slope is 1 - tanh²

    step = lambda block: taped(lambda tape, x, W, b: tape(block, tape(linear, x, W, b)))
    x, W, b = drawn((2, 3), (2, 3), 2)
    assert check_vjp(step(tanh), x, W, b) < 1e-7
    with pytest.raises(AssertionError, match="argument 0"):
        check_vjp(step(wrong), x, W, b)
    a = linear(x, W, b)[0]
    dy = np.ones((2, 2))
    assert step(wrong)(x, W, b)[1](dy)[0].tobytes() == ((1 - a * a) @ W).tobytes()


def test_a_step_past_the_tape_is_a_constant():
    (x,) = drawn(3)
    tape = Tape()
    y = tape(add, tape(sigmoid, x), 2 * x)
    (dx,) = tape.back(y, np.ones(3), x)
    s, _ = sigmoid(x)
    assert np.allclose(dx, s * (1 - s), rtol=1e-14)


def test_what_is_reached_past_the_tape_alone_is_refused():
    (x,) = drawn(3)
    tape = Tape()
    y = tape(sigmoid, 2 * x)
    with pytest.raises(ValueError, match="depend on argument 0 by what is recorded.*without the"):
        tape.back(y, np.ones(3), x)


def test_the_way_back_begins_at_what_was_recorded():
    (x,) = drawn(3)
    tape = Tape()
    y = tape(sigmoid, x)
    for other in (y + 0, x):
        with pytest.raises(ValueError, match="y must be what a recorded call has returned"):
            tape.back(other, np.ones(3), x)
    with pytest.raises(ValueError, match="y must be what a recorded call has returned"):
        taped(lambda tape, x: x)(x)[1](np.ones(3))


def test_what_is_no_block_is_refused_and_not_recorded():
    tape, (x,) = Tape(), drawn(3)
    with pytest.raises(TypeError, match=r"Tape: <lambda> must return the pair"):
        tape(lambda x: 2 * x, x)
    assert not tape.calls


@pytest.mark.parametrize("x", [[1.0], 1.0, np.arange(3), None], ids=repr)
def test_a_taped_block_takes_float_arrays(x):
    with pytest.raises(TypeError, match="taped: argument 0 must be"):
        taped(lambda tape, x: tape(sigmoid, x))(x)


def test_arrays_of_two_shapes_are_not_added():
    with pytest.raises(ValueError, match=r"add: a must have shape \(2, 3\)"):
        add(np.ones((2, 3)), np.ones(3))


# -- what it keeps --------------------------------------------------------------------------------


def test_a_tape_that_is_let_go_keeps_nothing_even_before_garbage_is_collected():
    layer, (x,) = Layer(tanh), drawn(3)
    gc.collect()
    gc.disable()
    try:
        inner = []

        def forward(tape, x):
            h = tape(layer, x)
            inner.append(weakref.ref(h))
            return tape(multiply, h, h)

        y, pullback = taped(forward)(x)
        assert inner[0]() is not None  # needed on the way back
        pullback(y)
        del y, pullback
        assert inner[0]() is None
    finally:
        gc.enable()
