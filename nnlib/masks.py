"""Masks: who may attend to whom. True = may attend, everywhere in nnlib."""

import numpy as np

from nnlib.checks import Array, boolean, plain_array, raise_for_kind, whole_number


def causal_mask(T: int) -> Array:
    """Each token may attend to itself and to those before it: True on and below the diagonal.

    Shapes   -> mask (T, T), boolean
    Errors   TypeError or ValueError for a T that is no integer >= 1.
    Source   N-causal.

    >>> causal_mask(3)
    array([[ True, False, False],
           [ True,  True, False],
           [ True,  True,  True]])
    """
    return np.tri(whole_number("causal_mask", "T", T, low=1), dtype=bool)


def padding_mask(ids: Array, pad: int) -> Array:
    """All tokens may attend to those that are no padding: True where an id is not pad.

    ``causal_mask(T) & padding_mask(ids, pad)`` is both at once.

    Shapes   ids (B, s) -> mask (B, 1, s), boolean
    Errors   TypeError for ids that are not integers, or for such a pad; ValueError for a sample
             that is all padding, or a negative pad.
    Source   N-attn-mask.

    >>> padding_mask(np.array([[5, 7, 0], [5, 0, 0]]), pad=0)
    array([[[ True,  True, False]],
    <BLANKLINE>
           [[ True, False, False]]])
    """
    pad = whole_number("padding_mask", "pad", pad, low=0)
    plain_array("padding_mask", "ids", ids, "an integer array")
    if ids.dtype.kind not in "iu":
        raise_for_kind("padding_mask", "ids", ids)
    there = ids != pad
    if not there.any(axis=-1).all():
        row = np.argwhere(~there.any(axis=-1))[0].tolist()
        raise ValueError(f"padding_mask: ids must have a token in each row; row {row} has none.")
    return there[..., None, :]


def may_attend(mask: Array, shape: tuple[int, ...]) -> Array:
    """The mask, when it is boolean, fits the scores and leaves every query a key.

    >>> may_attend(np.array([[True, False], [False, False]]), (2, 2))
    Traceback (most recent call last):
    ...
    ValueError: attention: every key of query row 1 is blocked. In nnlib True means *may attend*.
    """
    boolean("attention", "mask", mask)
    if not fits(mask, shape):
        raise ValueError(f"attention: mask must broadcast to {shape}; got {mask.shape}.")
    if not mask.any(axis=-1).all():
        row = np.argwhere(~mask.any(axis=-1))[0]
        raise ValueError(
            f"attention: every key of query row {row[-1] if row.size else 0} is blocked. "
            "In nnlib True means *may attend*."
        )
    return mask


def fits(mask: Array, shape: tuple[int, ...]) -> bool:
    """Whether a mask broadcasts to a shape: axis by axis from the last, of that size or of size 1.

    >>> fits(np.ones((1, 5)), (2, 3, 5)), fits(np.ones((3, 5)), (3, 1)), fits(np.ones((1, 5)), (5,))
    (True, False, False)
    """
    pairs = zip(mask.shape[::-1], shape[::-1], strict=False)
    return mask.ndim <= len(shape) and all(m in (1, size) for m, size in pairs)


def refuse_unseen(name: str, bad: Array, mask: Array) -> None:
    """Refuse NaN or infinity at a key that is blocked, since 0 times NaN is NaN.

    bad tells for each query and key, or for each key, where such stand. A query that also sees one
    is left alone: what comes out is then its own, and says that the numbers ran away.

    >>> refuse_unseen("v", np.array([[False, True]]), np.tri(2, dtype=bool))
    Traceback (most recent call last):
    ...
    ValueError: attention: v must be finite at a blocked key, too; got NaN or infinity at key 1. \
Put 0 there.
    """
    poisoned = (bad & ~mask) & ~(bad & mask).any(axis=-1, keepdims=True)
    if poisoned.any():
        raise ValueError(
            f"attention: {name} must be finite at a blocked key, too; got NaN or infinity at key "
            f"{np.argwhere(poisoned)[0][-1]}. Put 0 there."
        )
