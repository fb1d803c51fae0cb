"""The benchmarks run, with whatever is installed, and race what computes the same."""

import numpy as np
import pytest

from benchmarks import encoder_step, mlp_epoch, racing
from nnlib.losses import softmax_cross_entropy
from nnlib.machine import one_blas_thread
from nnlib.optimizers import Adam
from nnlib.parameters import parameter_vector
from nnlib.transformer import TokenClassifier


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "settings", "always"),
    [
        (mlp_epoch, {}, {"matrix products alone", "nnlib"}),
        (
            encoder_step,
            encoder_step.SETTINGS,
            {name for name in encoder_step.CONTESTANTS if "nnlib" in name or "NumPy" in name},
        ),
    ],
)
def test_the_race_measures_every_contestant_that_is_installed(script, settings, always, capsys):
    times = racing.race(script.__file__, script.CONTESTANTS, turns=2, settings=settings)
    missing = capsys.readouterr().out.count("does not take part")
    assert always <= set(times)
    assert len(times) + missing == len(script.CONTESTANTS)
    assert all(len(turns) == 2 and min(turns) > 0 for turns in times.values())


def test_a_table_shows_each_contestant_beside_the_others(capsys):
    times = {"a": [2.0, 4.0, 3.0], "b": [4.0, 8.0, 3.0]}
    racing.show(times, "a race", {"/ a": "a"}, ["a"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[-2:] == [["a", "2", "3", "1.00", "1.00"], ["b", "3", "4", "1.50", "2.00"]]


@pytest.mark.parametrize("rows", [1, encoder_step.ROWS])
def test_the_encoder_s_step_by_hand_is_nnlib_s(rows):
    step, theta_by_hand = encoder_step.by_hand(rows)
    model = TokenClassifier(encoder_step.FEATURES, encoder_step.TOKENS, encoder_step.CLASSES, rng=0)
    theta, grad = parameter_vector(model)
    theta[:] = theta_by_hand
    optimizer, rng = Adam(theta, encoder_step.LR), np.random.default_rng(0)
    for _ in range(3):
        x = rng.random((64, 28, 28), np.float32)
        labels = rng.integers(10, size=64)
        with one_blas_thread():
            step(x, labels)
            z, pullback = model(x)
            grad[:] = 0
            pullback(softmax_cross_entropy(z, labels=labels)[1](1.0))
        optimizer.step(grad)
    unstable = np.abs(grad) < 1e-6  # whose direction is rounding's, as the keys' bias is
    assert np.abs(theta - theta_by_hand)[~unstable].max() < 1e-4
