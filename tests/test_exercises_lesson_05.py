"""The exercises of lesson 05 hear what students write: ways to the same, slips in own words."""

import pytest
from answers import assert_recognised, said

HIDDEN = "for W, b in zip(weights[:-1], biases[:-1]): a = np.maximum(W @ a + b, 0)"
SCORES = f"{HIDDEN}\n    z = weights[-1] @ a + biases[-1]; e = np.exp(z - z.max(0)); "
COUNT = "c = np.zeros((10, 10)); "


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("forward pass", f"{SCORES}return e / e.sum(axis=0)"),
        ("forward pass", f"{SCORES}return (e.T / e.T.sum(axis=1, keepdims=True)).T"),
        ("He's bound", "return 6**0.5 / n**0.5"),
        ("He's bound", "return np.sqrt(3) * np.sqrt(2 / n)"),
        ("last delta", "return -(Y - p) / p.shape[1]"),
        ("last delta", "B = p.shape[1]; J = [np.diag(q) - np.outer(q, q) for q in p.T]; "
         "return np.array([j @ g for j, g in zip(J, (-Y / p / B).T)]).T"),
        ("one layer back", "return np.where(z > 0, W.T @ delta, 0)"),
        ("one layer back", "return (delta.T @ W).T * np.heaviside(z, 0)"),
        ("layer's gradients", "return delta @ a.T, delta.sum(axis=1)[:, None]"),
        ("layer's gradients", "return [(a @ delta.T).T, delta @ np.ones((delta.shape[1], 1))]"),
        ("layer's gradients", "return sum(np.outer(d, i) for d, i in zip(delta.T, a.T)), "
         "delta.sum(1, keepdims=True)"),
        ("confusion", f"{COUNT}np.add.at(c, (labels, read), 1); return c.astype(int)"),
        ("confusion", "return np.bincount(10 * labels + read, minlength=100).reshape(10, 10)"),
        ("confusion", "return np.eye(10)[labels].T @ np.eye(10)[read]"),
    ],
)  # fmt: skip
def test_another_way_to_the_same_is_right(name, lines):
    assert said(name, lines).startswith("Right")


@pytest.mark.parametrize(
    ("name", "lines", "sentence"),
    [
        ("forward pass", f"{SCORES}return z", "softmax is still to come"),
        ("forward pass", f"{SCORES}return e / e.sum(axis=1, keepdims=True)", "along the rows"),
        ("forward pass", f"{SCORES}return e / e.sum()", "over all images at once"),
        ("forward pass", "for W, b in zip(weights, biases): a = np.maximum(W @ a + b, 0)\n"
         "    e = np.exp(a); return e / e.sum(axis=0)", "behind the last layer too"),
        ("forward pass", "for W, b in zip(weights, biases): a = W @ a + b\n"
         "    e = np.exp(a); return e / e.sum(axis=0)", "one linear map"),
        ("forward pass", "for W in weights[:-1]: a = np.maximum(W @ a, 0)\n"
         "    e = np.exp(weights[-1] @ a); return e / e.sum(axis=0)", "biases are left out"),
        ("forward pass", f"{HIDDEN}\n    e = np.exp(weights[-1] @ a + biases[-1]); "
         "return e / e.sum(axis=1, keepdims=True)", "an image is a column"),
        ("forward pass", HIDDEN.replace("W @ a + b, 0)", "W @ a, 0) + b") + "\n"
         "    e = np.exp(weights[-1] @ a + biases[-1]); return e / e.sum(0)", "behind ReLU"),
        ("He's bound", "return n ** -0.5", "LeCun's deviation"),
        ("He's bound", "return 6 ** 0.5 / n", "root is of n"),
        ("He's bound", "return (3 / n) ** 0.5", "ReLU halves the mean square"),
        ("He's bound", "return (2 / n) ** 0.5", "He's standard deviation"),
        ("He's bound", "return 6 / n", "root is missing"),
        ("last delta", "return (Y - p) / len(Y[0])", "sign is turned"),
        ("last delta", "return p - Y", "divide by their number"),
        ("last delta", "return -Y / p.shape[1] * (1 - p)", "entry by entry"),
        ("last delta", "return (p - Y) / len(p)", "number of classes"),
        ("last delta", "return (p - Y).mean(axis=1)", "images are summed"),
        ("last delta", "return -Y / p / p.shape[1]", "That is dL/dp"),
        ("last delta", "return (p - Y) / 100", "lesson's batch"),
        ("last delta", "return (p - Y).T / p.shape[1]", "is transposed"),
        ("last delta", "return ((p - Y) / p.shape[1]).mean(1)", "is a mean"),
        ("one layer back", "return W.T @ delta * np.sign(z)", "np.sign"),
        ("one layer back", "return W.T @ delta * np.maximum(z, 0)", "That is f(z)"),
        ("one layer back", "return W @ delta * (z > 0)", "W needs its transpose"),
        ("one layer back", "return W.T @ delta", "slope is missing"),
        ("one layer back", "d = W.T @ delta; return d * (d > 0)", "sign of z"),
        ("one layer back", "return W.T @ delta / (1 + np.exp(-z))", "That is σ"),
        ("one layer back", "return W.T @ delta * (z < 0)", "turned round"),
        ("layer's gradients", "return a @ delta.T, delta.sum(1, keepdims=True)", "is transposed"),
        ("layer's gradients", "return np.outer(delta, a), delta.sum(1, keepdims=True)", "np.outer"),
        ("layer's gradients", "return delta @ a.T, delta", "forgotten"),
        ("layer's gradients", "return delta @ a.T, delta.mean(1, keepdims=True)", "is the mean"),
        ("layer's gradients", "return delta @ a.T, delta.sum(1)", "lost its axis"),
        ("layer's gradients", "n = len(a[0]); return delta @ a.T / n, "
         "delta.sum(1, keepdims=True) / n", "in δ already"),
        ("layer's gradients", "return delta.sum(1, keepdims=True) @ a.sum(1, keepdims=True).T, "
         "delta.sum(1, keepdims=True)", "before they meet"),
        ("confusion", f"{COUNT}c[labels, read] += 1; return c", "adds 1 once"),
        ("confusion", f"{COUNT}np.add.at(c, (read, labels), 1); return c", "transposed"),
        ("confusion", f"{COUNT}np.add.at(c, (labels, read), 1); np.fill_diagonal(c, 0); return c",
         "right answers are missing"),
        ("confusion", f"{COUNT}np.add.at(c, (labels, read), 1); return c / c.sum()",
         "a share of all"),
    ],
)  # fmt: skip
def test_a_slip_in_the_student_s_own_lines_is_recognised(name, lines, sentence):
    assert_recognised(name, lines, sentence)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("He's bound", "return 0.0874818"),
        ("last delta", "return (p - Y) / 5"),
        ("confusion", f"{COUNT}c[[4, 4, 7, 7], [4, 7, 7, 4]] = 1; return c"),
        (
            "confusion",
            "n = max(*labels, *read) + 1; c = np.zeros((n, n)); "
            "np.add.at(c, (labels, read), 1); return c",
        ),
    ],
)
def test_what_is_right_for_one_size_only_is_not_right(name, lines):
    assert said(name, lines).startswith("Not yet")
