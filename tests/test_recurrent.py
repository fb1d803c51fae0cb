"""What nnlib.recurrent promises: its equation, gradients through time, states asked for."""

import numpy as np
import pytest
from models import generic

from nnlib.calculus import check_vjp
from nnlib.losses import mse
from nnlib.optimizers import Adam
from nnlib.parameters import objective, parameter_vector
from nnlib.recurrent import (
    RecurrentCell,
    RecurrentEncoderDecoder,
    RecurrentLanguageModel,
    recurrent,
    through_time,
)


def sequences(samples=2, T=5, width=3, seed=1):
    return np.random.default_rng(seed).standard_normal((samples, T, width))


def cell_of(d_in=3, d=4):
    return generic(RecurrentCell(d_in, d, rng=0))


def test_a_cell_is_its_equation_step_by_step():
    cell, x, h0 = cell_of(), sequences(), sequences(width=4)[:, 0]
    W, U, b = cell.params.values()
    h, before = cell(x, h0)[0], h0
    for t in range(5):
        before = np.tanh(x[:, t] @ W.T + before @ U.T + b)
        np.testing.assert_allclose(h[:, t], before, rtol=1e-12, atol=1e-14)
    rest = np.zeros((2, 4))
    np.testing.assert_array_equal(cell(x)[0], cell(x, rest)[0])


def test_a_step_at_a_time_is_the_whole_sequence():
    cell, x = cell_of(), sequences()
    state = np.zeros((2, 4))
    for t in range(5):
        (h, _), whole = cell(x[:, t : t + 1], state), cell(x[:, : t + 1])[0]
        np.testing.assert_allclose(h[:, 0], whole[:, -1], rtol=1e-12, atol=1e-14)
        state = h[:, 0]


def test_a_cell_gives_a_gradient_for_each_array_that_it_was_given():
    cell, x, h0 = cell_of(), sequences(), sequences(width=4)[:, 0]
    assert check_vjp(cell, x) <= 1e-7
    assert check_vjp(cell, x, h0) <= 1e-7
    theta, _ = parameter_vector(cell)
    f = objective(cell, mse, x, target=np.ones((2, 5, 4)))
    assert check_vjp(f, theta) <= 1e-7


def test_the_gradient_of_a_state_is_that_of_all_that_comes_after_it():
    cell, x, dh = cell_of(), sequences(), sequences(width=4, seed=2)
    found = cell.gradients(x, dh)
    assert found.shape == (2, 6, 4)
    h, (W, U, b) = cell(x)[0], cell.params.values()
    for t in range(6):
        state = h[:, t - 1] if t else np.zeros((2, 4))
        _, pullback = recurrent(x[:, t:], state, W, U, b) if t < 5 else (None, None)
        later = pullback(dh[:, t:])[1] if pullback else 0
        direct = dh[:, t - 1] if t else 0
        np.testing.assert_allclose(found[:, t], direct + later, rtol=1e-12, atol=1e-14)


def test_asking_for_the_gradients_of_states_keeps_and_adds_nothing():
    cell, x = cell_of(), sequences()
    _, grad = parameter_vector(cell)
    before = set(vars(cell))
    cell.gradients(x, np.ones((2, 5, 4)))
    assert set(vars(cell)) == before
    assert not grad.any()


@pytest.mark.parametrize(("scale", "verdict"), [(0.5, "vanishes"), (1.0, "stays"), (2.0, "grows")])
def test_through_fifty_steps_a_gradient_vanishes_stays_or_grows(scale, verdict):
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))
    h, dh = np.zeros((1, 50, 4)), np.zeros((1, 50, 4))  # at rest, where tanh has slope 1
    dh[:, -1] = 1
    norms = np.linalg.norm(through_time(h, scale * Q, dh)[0, 1:], axis=-1)
    np.testing.assert_allclose(norms, 2 * scale ** np.arange(49.0, -1, -1), rtol=1e-12)
    assert {"vanishes": norms[0] < 1e-12, "stays": True, "grows": norms[0] > 1e12}[verdict]


def test_a_cell_learns_to_remember_the_first_of_five_tokens():
    x = np.random.default_rng(0).choice([-1.0, 1.0], size=(200, 5, 1))
    cell, due = RecurrentCell(1, 8, rng=0), 0.5 * np.repeat(x[:, 0], 8, axis=1)
    theta, grad = parameter_vector(cell)
    optimizer, losses = Adam(theta, lr=0.02), []
    for _ in range(300):
        h, pullback = cell(x)
        loss, loss_pullback = mse(h[:, -1].copy(), target=due)
        losses.append(loss)
        dh, grad[:] = np.zeros_like(h), 0
        dh[:, -1] = loss_pullback(1.0)
        pullback(dh)
        optimizer.step(grad)
    assert losses[-1] < 0.05 * losses[0]


def test_all_that_the_writer_knows_of_a_source_is_one_state():
    model = generic(RecurrentEncoderDecoder(9, 4, rng=0, dtype="float64"))
    source, target = np.array([[4, 3, 7, 0], [5, 6, 0, 0]]), np.array([[1, 4], [1, 5]])
    state, _ = model.encode(source)
    read, reader, write, writer, score = model.parts
    h, _ = reader(read(ids=source)[0])
    np.testing.assert_array_equal(state, h[[0, 1], [2, 1]])
    z, _ = score(writer(write(ids=target)[0], state)[0])
    np.testing.assert_array_equal(model(source=source, target=target)[0], z)


def test_the_recurrent_language_model_carries_its_state_through_the_ids():
    model = generic(RecurrentLanguageModel(9, 4, rng=0, dtype="float64"))
    embed, cell, score = model.parts
    ids = np.array([[1, 4, 3]])
    np.testing.assert_array_equal(model(ids=ids)[0], score(cell(embed(ids=ids)[0])[0])[0])
