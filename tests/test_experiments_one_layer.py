"""Document C's encoder: each printed line, each slip alone, and what training with it shows."""

import numpy as np
import pytest

from nnlib.documents import claims
from nnlib.documents.c_encoder_backward import plus, times
from nnlib.documents.c_encoder_corrected import Backward
from nnlib.documents.c_encoder_forward import CLASSES, draw
from nnlib.experiments.one_layer import (
    ARMS,
    LINES,
    SUSPECTS,
    arrivals,
    how_a_line_fails,
    largest_error,
    refusal,
)
from nnlib.experiments.one_layer_training import (
    BALLOT,
    BATCH,
    D,
    ballot,
    letters,
    rows_of_digits,
    trained,
    trained_with_each,
)
from nnlib.experiments.stored import stored
from nnlib.losses import softmax_cross_entropy
from nnlib.optimizers import Adam
from nnlib.parameters import objective, parameter_vector
from nnlib.transformer import OneLayerEncoder

SCALINGS = [(c, kappa) for c in (1, 1 / np.sqrt(6)) for kappa in (1, 1 / CLASSES)]
RNG = np.random.default_rng


def differing(backward, net):
    """The parameters whose gradients are not those that hold."""
    found, due = backward(net).gradients(), Backward(net).gradients()
    return {name for name in due if np.abs(found[name] - due[name]).max() > 1e-9}


# -- what holds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("c", "kappa"), SCALINGS)
def test_the_backward_pass_holds_for_both_scalings_of_scores_and_loss(c, kappa, seed):
    assert largest_error(draw(RNG(seed)), c, kappa) <= 1e-12


@pytest.mark.parametrize("scaled", [False, True])
def test_it_is_the_library_s_own_gradient(scaled):
    model = OneLayerEncoder(7, 4, 6, 3, scaled=scaled, rng=0, dtype="float64")
    theta, _ = parameter_vector(model)
    x, labels = 1e4 * RNG(0).standard_normal((5, 4, 7)), np.array([0, 1, 2, 0, 1])
    _, pullback = objective(model, softmax_cross_entropy, x, labels=labels)(theta)
    pullback(1.0)  # large x: the library standardizes with a small number under the root
    sample = {"X": x, "y": np.eye(3)[labels][:, None]}
    found = Backward(
        letters(model, "params") | sample, 1 / np.sqrt(6) if scaled else 1.0, 1 / 5
    ).gradients()
    due = letters(model, "grads")
    for name in found:
        assert np.abs(found[name] - due[name]).max() <= 1e-12 * np.abs(due[name]).max(), name


def test_gradients_are_summed_over_the_samples():
    nets = [draw(RNG(seed)) for seed in range(3)]
    each = [nets[0] | {"X": net["X"], "y": net["y"]} for net in nets]
    together = nets[0] | {name: np.stack([net[name] for net in nets]) for name in ("X", "y")}
    for name, found in Backward(together).gradients().items():
        due = sum(Backward(net).gradients()[name] for net in each)
        np.testing.assert_allclose(found, due, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("c", "kappa"), SCALINGS)
def test_the_four_ways_make_the_gradients_and_two_are_closed_to_a_token(c, kappa):
    net = draw(RNG(1))
    came, holds = arrivals(net, c, kappa), Backward(net, c, kappa)
    assert not came["queries"][:-1].any()
    assert not came["residual"][:-1].any()
    assert all(np.abs(rows[-1]).max() > 1e-4 for rows in came.values())
    np.testing.assert_allclose(came["values"], holds.by_values(), atol=1e-13)
    np.testing.assert_allclose(came["keys"], holds.by_keys(), atol=1e-13)
    everything = sum(came.values())
    np.testing.assert_allclose(everything[[-1]], holds.gradients()["cls"], atol=1e-13)
    np.testing.assert_allclose(holds.h0.T @ everything[:-1], holds.gradients()["W1"], atol=1e-13)


# -- the twelve lines ------------------------------------------------------------------------------


def test_the_line_that_defines_alpha_is_right_and_the_only_one():
    definition = claims()[LINES["(5) α"][0]]
    assert r"\partial" in definition.stated  # a derivative, not its entries
    assert definition.check(RNG(0)).corrected < 1e-12  # which softmax's Jacobian is
    assert [line for line in LINES if how_a_line_fails(line).startswith("right")] == ["(5) α"]


@pytest.mark.parametrize("line", [line for line in LINES if line != "(5) α"])
def test_a_line_does_not_exist_or_is_off_as_its_claim_is(line):
    printed = claims()[LINES[line][0]].check(RNG(0)).printed
    words = how_a_line_fails(line)
    assert words.endswith("does not exist") == np.isinf(printed)
    assert words.startswith("off by") == np.isfinite(printed)


@pytest.mark.parametrize(
    ("suspects", "trace"), [("12", "(z-y)"), ("3", r"\alpha"), ("6", r"\beta")]
)
def test_the_suspects_of_a_line_have_left_their_traces_in_print(suspects, trace):
    for line, (id, named) in LINES.items():
        for suspect in suspects:
            assert (suspect in named.split()) == (trace in claims()[id].stated), line


def test_sizes_that_do_not_fit_are_named():
    assert refusal(lambda: times(np.ones((1, 2)), np.ones((3, 4)))) == (
        "1 × 2 times 3 × 4 does not exist"
    )
    assert refusal(lambda: plus(np.ones((1, 2)), np.ones((3, 4)))) == (
        "1 × 2 plus 3 × 4 does not exist"
    )
    assert refusal(lambda: times(np.ones((1, 2)), np.ones((2, 4)))) == ""


# -- the suspects ----------------------------------------------------------------------------------


def test_four_of_the_eight_suspects_are_refused_for_their_sizes():
    net = draw(RNG(0))
    refused = {n for n, one in SUSPECTS.items() if refusal(one.printed(net).gradients)}
    assert refused == {4, 5, 6, 7}


def test_three_of_the_four_run_where_there_are_as_many_rows_as_columns_and_are_wrong():
    net = draw(RNG(0), n=5)  # with the class token six rows, and d = 6
    run = [n for n in (4, 5, 6, 7) if not refusal(SUSPECTS[n].printed(net).gradients)]
    assert run == [5, 6, 7]
    assert all(largest_error(net, 1.0, 1.0, SUSPECTS[n].printed) > 0.1 for n in run)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", [name for name in ARMS if name != "what holds"])
def test_the_gradient_check_finds_whatever_runs(name, seed):
    assert largest_error(draw(RNG(seed)), 1.0, 1 / CLASSES, ARMS[name]) > 1e-3


@pytest.mark.parametrize(
    ("suspect", "touched"),
    [
        (1, "W1 W2 Wk Wq Wv cls"),
        (2, "W1 W2 Wk Wq Wv cls"),
        (3, "W1 Wk Wq cls"),
        (6, "cls"),
        (7, "cls"),
        (8, "W1"),
    ],
)
def test_a_slip_spoils_what_depends_on_it_and_nothing_else(suspect, touched):
    assert differing(SUSPECTS[suspect].repaired, draw(RNG(0))) == set(touched.split())


def test_the_lost_factor_is_the_number_of_classes():
    net = draw(RNG(0))
    found, due = ARMS["1/K lost"](net).gradients(), Backward(net).gradients()
    for name in due:
        np.testing.assert_allclose(found[name], CLASSES * due[name], rtol=1e-12)


def test_all_at_once_has_every_slip():
    everything = ARMS["all at once"]
    for suspect in SUSPECTS.values():
        assert suspect.repaired is None or issubclass(everything, suspect.repaired)
    net = draw(RNG(0))
    z_and_k = CLASSES * ARMS["z for s"](net).delta
    np.testing.assert_allclose(everything(net).delta, z_and_k, rtol=1e-12)


# -- training --------------------------------------------------------------------------------------


def test_no_image_is_in_two_of_the_three_shares():
    train, held_back, test = ({image.tobytes() for image in part.x} for part in rows_of_digits())
    assert [len(train), len(held_back), len(test)] == [1200, 300, 297]
    assert len(train | held_back | test) == 1797


def test_training_with_what_holds_is_training_the_library_s_model():
    train, _, test = rows_of_digits()
    model = OneLayerEncoder(16, 8, D, 10, scaled=True, rng=3, dtype="float64")
    theta, _ = parameter_vector(model)
    optimizer, rng = Adam(theta, 0.01), RNG(3)
    for _ in range(5):
        batch = rng.integers(len(train.x), size=BATCH)
        loss = objective(model, softmax_cross_entropy, train.x[batch], labels=train.labels[batch])
        optimizer.step(loss(theta)[1](1.0) / 10)  # the document divides by the classes too
    due, _ = softmax_cross_entropy(model(test.x)[0], labels=test.labels)
    found = trained(Backward, 0.01, seed=3, steps=5, every=5)
    assert found.loss[-1] == pytest.approx(due, rel=1e-4)
    assert found.loss[-1] < found.loss[0]


def test_a_seed_gives_the_same_run_again_and_all_gradients_the_same_start():
    first, again = (trained(Backward, 0.01, seed=1, steps=6, every=3) for _ in range(2))
    other = trained(ARMS["z for s"], 0.01, seed=1, steps=6, every=3)
    np.testing.assert_array_equal(first, again)
    assert first.loss[0] == other.loss[0]
    assert first.loss[-1] != other.loss[-1]


@pytest.mark.parametrize("arm", ARMS)
def test_each_arm_has_the_rate_that_was_best_on_the_images_held_back_inside_its_grid(arm):
    tried = {
        float(row["measure"].split()[-1]): float(row["mean"])
        for row in stored("06_slips")
        if row["arm"] == arm and row["measure"].startswith("accuracy")
    }
    chosen = trained_with_each()[arm].rate
    assert chosen == max(tried, key=tried.get)
    assert min(tried) < chosen < max(tried)


def test_training_finds_one_slip_of_the_six_that_run():
    found = [name for name, arm in trained_with_each().items() if arm.behind == 1]
    assert found == ["scores for probabilities", "all at once"]


def test_the_ballot_is_five_arms_under_letters_each_at_its_own_rate():
    curves = ballot([4], steps=4, every=2)
    assert len(set(BALLOT.values())) == 5
    assert "what holds" in BALLOT.values()
    for letter, name in BALLOT.items():
        rate = trained_with_each()[name].rate
        alone = trained(ARMS[name], rate, seed=4, steps=4, every=2)
        np.testing.assert_array_equal(curves[letter], [alone.accuracy])
