"""What nnlib.transformer promises: heads are a loop, a mask is per sample, gradients are true."""

import numpy as np
import pytest

from nnlib.blocks import attention
from nnlib.calculus import check_vjp
from nnlib.transformer import MultiHeadAttention

# -- attention in heads ---------------------------------------------------------------------------


@pytest.mark.parametrize("heads", [1, 2, 3, 6])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_in_heads_is_a_loop_over_the_heads(heads, causal):
    rng = np.random.default_rng(0)
    attend = MultiHeadAttention(6, heads, rng=1)
    x, context = rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 5, 6))
    mask = np.tri(4, 5, dtype=bool) if causal else None
    (Wq, bq), (Wk, bk), (Wv, bv), (Wo, bo) = (p.params.values() for p in attend.parts)
    for b in (bq, bk, bv, bo):
        b[:] = rng.standard_normal(6)
    q, k, v = x @ Wq.T + bq, context @ Wk.T + bk, context @ Wv.T + bv
    share = 6 // heads
    columns = [slice(h * share, (h + 1) * share) for h in range(heads)]
    o = [attention(q[..., c], k[..., c], v[..., c], mask=mask)[0] for c in columns]
    want = np.concatenate(o, axis=-1) @ Wo.T + bo
    np.testing.assert_allclose(attend(x, context, mask)[0], want, rtol=1e-12, atol=1e-12)
    A = attend.weights(x, context, mask)
    assert A.shape == (2, heads, 4, 5)
    np.testing.assert_allclose(A.sum(axis=-1), 1, rtol=1e-14)
    for h, c in enumerate(columns):
        scores = q[..., c] @ k[..., c].mT / np.sqrt(share)
        e = np.exp(scores if mask is None else np.where(mask, scores, -np.inf))
        np.testing.assert_allclose(A[:, h], e / e.sum(axis=-1, keepdims=True), rtol=1e-12)


def test_attention_from_one_sequence_to_another_has_the_true_gradients():
    attend, rng = MultiHeadAttention(4, 2, rng=0), np.random.default_rng(0)
    x, context = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    assert check_vjp(attend, x, context, mask=np.tri(3, 5, dtype=bool)) <= 1e-7


def test_the_parts_of_multi_head_attention_start_out_different():
    weights = {p.params["W"].tobytes() for p in MultiHeadAttention(4, 2, rng=0).parts}
    assert len(weights) == 4
