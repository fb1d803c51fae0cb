"""What nnlib.transformer promises: heads are a loop, a mask is per sample, gradients are true."""

import numpy as np
import pytest

from nnlib.blocks import attention, attention_weights, softmax
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


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("size", [1.0, 30.0, 1e3, 1e6])
def test_rows_of_scores_however_far_apart_have_the_weights_of_softmax(size, dtype, tolerance):
    rng = np.random.default_rng(0)
    q, k = rng.standard_normal((2, 4, 8)).astype(dtype), np.ones((2, 5, 8), dtype)
    k += rng.standard_normal(k.shape).astype(dtype) / 8
    q += np.linspace(-size, size, 8).reshape(2, 4, 1).astype(dtype)
    A, pullback = attention_weights(q, k)
    want, _ = softmax(q.astype(float) @ k.mT.astype(float) / np.sqrt(8))
    assert np.abs(A - want).max() <= tolerance * max(1, size)
    np.testing.assert_allclose(A.sum(axis=-1), 1, rtol=1e-6 if dtype == "float32" else 1e-14)
    assert all(np.isfinite(dx).all() for dx in pullback(np.ones_like(A)))


def test_what_is_no_number_in_one_sample_stays_there():
    attend, rng = MultiHeadAttention(4, 2, rng=0), np.random.default_rng(0)
    x = rng.standard_normal((3, 5, 4))
    x[1, 2] = np.nan
    y, _ = attend(x, x)
    alone, _ = attend(x[[0, 2]], x[[0, 2]])
    np.testing.assert_allclose(y[[0, 2]], alone, rtol=1e-12)
    assert np.isnan(y[1]).all()


# -- masks ---------------------------------------------------------------------------------------


def attended(attend, x, context, mask):
    """The weights, sample by sample and head by head, each with its own (t, s) of the mask."""
    full = np.broadcast_to(mask, (len(x), attend.heads, x.shape[1], context.shape[1]))
    rows = []
    for k in range(len(x)):
        heads = [attend.weights(x[k : k + 1], context[k : k + 1], m)[0, h]
                 for h, m in enumerate(full[k])]  # fmt: skip
        rows.append(heads)
    return np.array(rows)


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", ["Bts", "B1s", "1ts", "Bt1", "11s"])
def test_a_mask_of_three_axes_is_one_for_each_sample_whatever_their_number(samples, shape):
    attend, rng = MultiHeadAttention(4, 2, rng=0), np.random.default_rng(samples)
    x, context = rng.standard_normal((samples, 3, 4)), rng.standard_normal((samples, 5, 4))
    sizes = {"B": samples, "t": 3, "s": 5, "1": 1}
    mask = rng.random([sizes[letter] for letter in shape]) < 0.5
    mask[..., 0] = True
    want = attended(attend, x, context, mask[:, None])
    A = attend.weights(x, context, mask)
    np.testing.assert_allclose(A, want, rtol=1e-12)
    assert (A[np.broadcast_to(~mask[:, None], A.shape)] == 0).all()
    y = attend(x, context, mask)[0]
    for k in range(samples):
        own = mask[k % len(mask)]
        alone = attend(x[k : k + 1], context[k : k + 1], own)[0]
        np.testing.assert_allclose(y[k], alone[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_padded_token_has_weight_zero_in_every_head(samples):
    attend, rng = MultiHeadAttention(4, 2, rng=0), np.random.default_rng(0)
    x = rng.standard_normal((samples, 5, 4))
    mask = np.ones((samples, 5, 5), bool)
    mask[0, :, 4] = False
    A = attend.weights(x, x, mask)
    assert (A[0, :, :, 4] == 0).all()
    assert (A[1:, :, :, 4] > 0).all()


@pytest.mark.parametrize("shape", [(3, 5), (1, 5), (2, 2, 3, 5), (2, 1, 1, 5), (1, 2, 3, 5)])
def test_a_mask_for_all_or_for_each_head_is_taken_as_it_is(shape):
    attend, rng = MultiHeadAttention(4, 2, rng=0), np.random.default_rng(0)
    x, context = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    mask = rng.random(shape) < 0.5
    mask[..., 0] = True
    want = attended(attend, x, context, mask)
    np.testing.assert_allclose(attend.weights(x, context, mask), want, rtol=1e-12)


@pytest.mark.parametrize("call", ["__call__", "weights"])
@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (np.ones((3, 5, 5), bool), ValueError, "(2, 5, 5) for each sample or (2, 4, 5, 5) for"),
        (np.ones((4, 5, 5), bool), ValueError, "got (4, 5, 5)."),
        (np.ones((2, 3, 5, 5), bool), ValueError, "got (2, 3, 5, 5)."),
        (np.ones((1, 2, 4, 5, 5), bool), ValueError, "got (1, 2, 4, 5, 5)."),
        (np.ones((5, 4), bool), ValueError, "mask must be (5, 5) for all"),
        (np.ones((2, 5, 5)), TypeError, "mask must be a boolean array; got float64."),
        ([[True]], TypeError, "mask must be a boolean array; got list."),
    ],
    ids=lambda value: str(getattr(value, "shape", ""))[:20],
)
def test_a_mask_that_fits_nothing_is_refused(call, mask, error, message):
    attend, x = MultiHeadAttention(8, 4, rng=0), np.ones((2, 5, 8))
    with pytest.raises(error) as raised:
        getattr(attend, call)(x, x, mask)
    assert str(raised.value).startswith("MultiHeadAttention: mask must be ")
    assert message in str(raised.value)


def test_the_gradients_under_a_mask_for_each_sample_are_true():
    attend, rng = MultiHeadAttention(4, 2, rng=0), np.random.default_rng(0)
    x, mask = (
        rng.standard_normal((2, 3, 4)),
        np.stack([np.tri(3, dtype=bool), np.eye(3, dtype=bool)]),
    )
    assert check_vjp(attend, x, x + 0.1, mask=mask) <= 1e-7


# -- no samples ----------------------------------------------------------------------------------


def test_a_batch_without_samples_gives_a_value_and_gradients_without_samples():
    attend, none = MultiHeadAttention(4, 2, rng=0), np.ones((0, 3, 4))
    y, pullback = attend(none, np.ones((0, 5, 4)))
    assert y.shape == (0, 3, 4)
    assert [dx.shape for dx in pullback(none)] == [(0, 3, 4), (0, 5, 4)]
    assert attend.weights(none, none).shape == (0, 2, 3, 3)
    assert not any(g.any() for part in attend.parts for g in part.grads.values())


def test_a_sequence_without_tokens_is_refused():
    attend = MultiHeadAttention(4, 2, rng=0)
    with pytest.raises(ValueError, match="Only leading axes may be empty"):
        attend(np.ones((2, 0, 4)), np.ones((2, 3, 4)))


@pytest.mark.parametrize(("d", "heads", "divisors"), [(1, 2, "1"), (7, 2, "7"), (6, 4, "2 or 3")])
def test_a_width_that_cannot_be_shared_out_is_told_what_can(d, heads, divisors):
    with pytest.raises(ValueError, match=f"divisible by heads \\({heads}\\); try {divisors}"):
        MultiHeadAttention(d, heads, rng=0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["k", "v"])
def test_what_is_no_number_at_a_blocked_key_is_refused_in_keys_and_in_values(place, bad):
    rng, mask = np.random.default_rng(0), np.tri(3, dtype=bool)
    arrays = {name: rng.standard_normal((2, 3, 4)) for name in "qkv"}
    arrays[place][1, 2, 0] = bad
    told = f"attention: {place} must be finite at a blocked key, too; got NaN or infinity at key 2"
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=told):
        attention(*arrays.values(), mask=mask)
