"""The exercise on the class token: its samples are what the encoder itself would hand on."""

import numpy as np
import pytest

from nnlib.documents.c_encoder_corrected import Backward
from nnlib.documents.c_encoder_forward import draw
from nnlib.exercises.class_token import CLASS_TOKEN, class_token_gradient
from nnlib.exercises.judge import verdict


@pytest.mark.parametrize("c", [1.0, 6**-0.5])
def test_the_answer_that_is_due_is_the_gradient_that_holds(c):
    net = draw(np.random.default_rng(0))
    holds = Backward(net, c)
    a = holds.g @ holds.V.T @ holds.alpha
    weights = (net[name] for name in ("Wq", "Wk", "Wv"))
    found = class_token_gradient(holds.g, a, c, holds.S_cls, holds.Q_cls, holds.K, *weights)
    np.testing.assert_allclose(found, holds.gradients()["cls"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("where", CLASS_TOKEN.samples)
def test_what_is_added_to_all_scores_alike_cancels_in_every_sample(where):
    a = CLASS_TOKEN.samples[where][1]
    assert abs(a.sum()) < 1e-12
    assert np.abs(a).max() > 1e-2


def test_the_key_in_every_row_is_told_as_the_key_that_is_lost():
    def answer(g, a, c, S_cls, Q_cls, K, Wq, Wk, Wv):
        beta = K @ Wq.T + Q_cls @ Wk.T  # NumPy adds the row to every row
        return g + S_cls[:, -1:] * (g @ Wv.T) + c * a @ beta

    assert "where it cancels" in verdict(CLASS_TOKEN, answer)
