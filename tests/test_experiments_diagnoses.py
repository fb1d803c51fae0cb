"""Planted faults and what sees them: every cell, the rules, and what is planted."""

import numpy as np
import pytest

from nnlib.blocks import layer_norm, linear, sigmoid
from nnlib.exercises import exercises
from nnlib.experiments import diagnoses
from nnlib.experiments.diagnoses import DIAGNOSTICS, SEEDS, finding, measured, sheet, table, tried
from nnlib.experiments.faults import FAULTS, NOTHING, without_fault
from nnlib.experiments.stored import stored
from nnlib.optimizers import Adam
from nnlib.parameters import objective, parameter_vector

WHOLE = """
dW transposed, 10 × 16        seen   -      stops  stops  stops  stops  stops
dW transposed, 16 × 16        -      -      -      -      -      seen   seen
the batch's sum forgotten     seen   -      stops  stops  stops  stops  stops
a mean for the batch's sum    -      -      -      -      -      seen   seen
σ for σ′                      -      -      seen   seen   seen   seen   seen
one unit's slope off by 1 %   -      -      -      -      -      seen   seen
the deviation held constant   -      -      -      -      seen   seen   seen
a mask inverted               -      -      seen   seen   seen   -      -
bias correction left out      -      -      -      -      -      -      -
labels shuffled               -      -      -      seen   seen   -      -
pixels unscaled               -      seen   -      -      -      -      -
"""
LINES = [line.rsplit(maxsplit=7) for line in WHOLE.strip().splitlines()]
DUE = {
    name: dict(zip(DIAGNOSTICS, [one.replace("-", "blind") for one in cells], strict=True))
    for name, *cells in LINES
} | {name: dict.fromkeys(DIAGNOSTICS, "blind") for name in NOTHING}
ROWS = {(row["arm"], row["measure"]): row for row in stored("faults")}
QUICK = ("shapes", "first loss", "one direction")
CHECKED = ("one unit's slope off by 1 %", "pixels unscaled")  # one seen by the whole check, one not
MINUTES = [  # on a busy machine
    (fault, name)
    for fault, one in (FAULTS | NOTHING).items()
    for name in DIAGNOSTICS
    if name not in QUICK
    if one.network == "encoder" or (name == "whole check" and fault not in CHECKED)
]


# -- the cells ------------------------------------------------------------------------------------


def test_the_stored_table_says_of_each_cell_what_is_due():
    found = {name: {k: cell.outcome for k, cell in row.items()} for name, row in table().items()}
    assert found == DUE
    assert list(table()) == [*FAULTS, *NOTHING]
    assert all(list(row) == list(DIAGNOSTICS) for row in table().values())


def as_due(fault, name, seeds):
    """Whether a cell measured anew with these seeds is the one that is due, and near the stored."""
    values = np.array([measured(fault, name, seed) for seed in seeds])
    row, due = ROWS[fault, name], DUE[fault][name]
    if due == "stops":
        return np.isnan(values).all()
    near = np.abs(values - float(row["mean"])) <= float(row["spread"]) * 1.01 + 0.01
    return near.all() and {DIAGNOSTICS[name].sees(value) for value in values} == {due == "seen"}


@pytest.mark.parametrize("fault", DUE)
def test_what_is_cheap_is_measured_anew_with_every_seed(fault):
    assert all(as_due(fault, name, SEEDS) for name in QUICK)


@pytest.mark.parametrize("fault", DUE)
def test_what_trains_an_mlp_is_measured_anew_with_one_seed(fault):
    anew = [name for name in DIAGNOSTICS if name not in QUICK and (fault, name) not in MINUTES]
    assert all(as_due(fault, name, [0]) for name in anew)


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "name"), MINUTES)
def test_the_other_cells_are_measured_anew_with_one_seed(fault, name):
    assert as_due(fault, name, [0])


@pytest.mark.parametrize("cell", [key for key, row in ROWS.items() if row["mean"] != "nan"])
def test_nothing_measured_lies_near_the_bound_of_its_rule(cell):
    mean, spread = (float(ROWS[cell][name]) for name in ("mean", "spread"))
    sees = DIAGNOSTICS[cell[1]].sees
    if cell[1] == "twenty images" and not sees(mean):
        assert (mean, spread) == (1, 0)
    else:
        assert sees(mean - spread) == sees(mean) == sees(mean + spread)


# -- what is planted -------------------------------------------------------------------------------


def gradient_of(trial):
    """The loss on twenty images and its gradient, as the trial's network has them."""
    few = diagnoses.few(trial)
    x, constants = ((), few.x) if isinstance(few.x, dict) else ((few.x,), {})
    loss = objective(
        few.model, diagnoses.softmax_cross_entropy, *x, constants=constants, labels=few.labels
    )
    value, pullback = loss(parameter_vector(few.model)[0].copy())
    return value, pullback(1.0)


RUNS = [name for name in FAULTS if DUE[name]["shapes"] == "blind"]


@pytest.mark.parametrize("name", [name for name in RUNS if FAULTS[name].of_gradient])
def test_a_fault_of_the_gradient_leaves_the_loss_as_it_is(name):
    fault = FAULTS[name]
    loss, gradient = gradient_of(without_fault(fault.network, 1))
    its_loss, its_gradient = gradient_of(fault.plant(without_fault(fault.network, 1)))
    assert its_loss == loss
    assert not np.allclose(its_gradient, gradient, rtol=1e-6)


def test_without_bias_correction_the_gradient_is_the_same():
    plain, fault = without_fault("rectifiers", 1), FAULTS["bias correction left out"]
    planted = fault.plant(without_fault("rectifiers", 1))
    assert all(map(np.array_equal, gradient_of(planted), gradient_of(plain)))
    assert planted.rule == plain.rule | {"bias_correction": False}


def test_labels_are_shuffled_and_pixels_as_stored_on_both_sets():
    plain = without_fault("rectifiers", 1)
    labels = FAULTS["labels shuffled"].plant(plain).labels
    assert np.array_equal(np.sort(labels), np.sort(plain.labels))
    assert 0.05 < (labels == plain.labels).mean() < 0.15
    stored_as = FAULTS["pixels unscaled"].plant(plain)
    assert (stored_as.x.max(), stored_as.x_test.max()) == (16, 16)
    assert np.array_equal(stored_as.labels, plain.labels)


def test_a_planted_fault_is_the_named_slip():
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((5, 16)), rng.standard_normal((5, 16))
    slips = lambda name, start: next(
        one for words, one in exercises()[name].slips.items() if words.startswith(start)
    )

    def back_of(fault, block):
        trial = FAULTS[fault].plant(without_fault(FAULTS[fault].network, 0))
        layers = [one for one in trial.model.layers() if one.block.__name__ == block.__name__]
        faulty = [one for one in layers if one.block is not block]
        return faulty[0].block, list(faulty[0].params.values()), len(faulty)

    block, (W, b), count = back_of("dW transposed, 16 × 16", linear)
    due = slips("linear layer's pullback", "dW is transposed")(dy, x, W)
    assert all(map(np.array_equal, block(x, W, b)[1](dy), due))
    assert count == 1
    block, _, count = back_of("σ for σ′", sigmoid)
    assert np.array_equal(block(x)[1](dy), slips("sigmoid's pullback", "That is S, not")(dy, x))
    assert count == 2
    block, (gamma, beta), count = back_of("the deviation held constant", layer_norm)
    dx, dgamma, dbeta = block(x, gamma, beta)[1](dy)
    assert np.array_equal(dx, slips("layer norm's dx", "The deviation is taken")(x, gamma, dy))
    assert np.array_equal(dbeta, layer_norm(x, gamma, beta)[1](dy)[2])
    assert count == 3
    mask = without_fault("encoder", 0).x["mask"]
    inverted = FAULTS["a mask inverted"].plant(without_fault("encoder", 0)).x["mask"]
    assert np.array_equal(inverted, ~mask)
    theta, g = np.array([1.0, -2.0]), np.array([0.3, -4.0])
    step = slips("Adam step", "m and v are not corrected")
    due, _, _ = step(theta, 0 * g, 0 * g, g, 1, 0.01, 0.9, 0.999, 1e-8)
    rule = FAULTS["bias correction left out"].plant(without_fault("rectifiers", 0)).rule
    Adam(theta, **rule).step(g)
    assert np.allclose(theta, due, rtol=1e-12)


def test_one_unit_of_sixteen_is_a_hundredth_off():
    trial = FAULTS["one unit's slope off by 1 %"].plant(without_fault("sigmoids", 0))
    x = np.random.default_rng(0).standard_normal((4, 16))
    (faulty,) = [one for one in trial.model.layers() if hasattr(one.block, "__wrapped__")][1:2]
    ratio = faulty.block(x)[1](x) / sigmoid(x)[1](x)
    assert np.allclose(ratio, np.where(np.arange(16) == 3, 1.01, 1))


# -- the table as it fills ------------------------------------------------------------------------


def test_diagnostics_are_tried_from_the_cheapest_on():
    for count in range(len(DIAGNOSTICS) + 1):
        found = tried("labels shuffled", count)
        assert list(found.cells) == list(DIAGNOSTICS)[:count]
        assert found.first == ("loss curve" if count >= 4 else "")


def test_the_last_lines_count_what_was_tried():
    groups, tallies = sheet({"σ for σ′": 3, "dW transposed, 16 × 16": 7, "pixels unscaled": 0})
    assert groups["faults of the gradient"]["σ for σ′"] == ["blind", "blind", "seen", *[""] * 4]
    assert tallies["faults of the gradient"][:4] == ["0 of 2", "0 of 2", "1 of 2", "0 of 1"]
    assert tallies["other faults"] == [""] * 7


def test_two_columns_are_never_blank_for_a_gradient_and_always_for_others():
    _, tallies = sheet(dict.fromkeys(FAULTS, len(DIAGNOSTICS)))
    full = [k for k, told in enumerate(tallies["faults of the gradient"]) if told == "7 of 7"]
    assert [list(DIAGNOSTICS)[k] for k in full] == ["one direction", "whole check"]
    assert {tallies["other faults"][k] for k in full} == {"0 of 4"}


def test_the_finding_is_what_the_counts_say():
    none = {"faults of the gradient": ["1 of 2"] * 7, "other faults": ["0 of 1"] * 7}
    assert finding(none) == "None of them: every fault of the gradient, no other"
    every = {"faults of the gradient": ["2 of 2"] + ["1 of 2"] * 6, "other faults": ["1 of 1"] * 7}
    assert finding(every) == "Shapes: every fault of the gradient"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measured("a bug", "shapes", 0), "measured: fault must be .*; got 'a bug'"),
        (lambda: measured("σ for σ′", "luck", 0), "measured: diagnostic must be .*; got 'luck'"),
        (lambda: tried("a bug", 1), "tried: fault must be"),
        (lambda: tried("σ for σ′", 8), "tried: diagnostics must be"),
    ],
)
def test_what_there_is_not_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
