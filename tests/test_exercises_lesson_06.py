"""The exercises of lesson 06 hear what students write: ways to the same, slips in own words."""

import pytest
from answers import assert_recognised, said

WAYS = "u = c * a; v = S_cls[:, -1:] * (g @ Wv.T); q = u @ K @ Wq.T; k = u[:, -1:] * Q_cls @ Wk.T; "
DS = "dA = do @ v.T; dS = A * (dA - (A * dA).sum(1, keepdims=True)); r = q.shape[1] ** 0.5; "
NORM = "m = lambda a: a.mean(1)[:, None]; s = (m((x - m(x)) ** 2) + 1e-5) ** 0.5; "
NORM += "h = (x - m(x)) / s; g = gamma * dy; "


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("attention's pullback", f"{DS}return dS @ k / r, (q.T @ dS).T / r, (do.T @ A).T"),
        ("attention's pullback", "dA = do @ v.T; J = [np.diag(p) - np.outer(p, p) for p in A]; "
         "dS = np.array([j @ d for j, d in zip(J, dA)]) / q.shape[1] ** 0.5; "
         "return [dS @ k, dS.T @ q, A.T @ do]"),
        ("split into heads", "return np.array(np.split(x, heads, axis=1))"),
        ("split into heads", "n = x.shape[1] // heads; "
         "return [x[:, n * h : n * h + n] for h in range(heads)]"),
        ("causal mask", "return np.tril(np.ones((T, T))).astype(bool)"),
        ("causal mask", "return [[j <= i for j in range(T)] for i in range(T)]"),
        ("hide what is looked at", "rank = np.argsort(np.argsort(-looked, axis=1), axis=1); "
         "return (rank >= rows)[:, None]"),
        ("hide what is looked at", "least = np.sort(looked, axis=1)[:, -rows]; "
         "return (looked < least[:, None])[:, None, :]"),
        ("layer norm's dx", f"{NORM}return (g - m(g) - h * m(g * h)) / s"),
        ("layer norm's dx", f"{NORM}n = x.shape[1]; "
         "J = [(np.eye(n) - 1 / n - np.outer(a, a) / n) / b for a, b in zip(h, s)]; "
         "return np.array([j @ a for j, a in zip(J, g)])"),
    ],
)  # fmt: skip
def test_another_way_to_the_same_is_right(name, lines):
    assert said(name, lines).startswith("Right")


@pytest.mark.parametrize(
    ("name", "lines", "sentence"),
    [
        ("attention's pullback", f"{DS}return dS @ k / r, dS.T @ q / r, A @ do", "dv needs Aᵀ"),
        ("attention's pullback", f"{DS}return dS @ k, dS.T @ q, A.T @ do", "1/√d_k is missing"),
        ("attention's pullback", f"{DS}return dS @ k / r**2, dS.T @ q / r**2, A.T @ do", "twice"),
        ("attention's pullback", f"{DS}return dS @ k / r, dS @ q / r, A.T @ do", "dk needs dSᵀ"),
        ("attention's pullback", f"{DS}return dS @ k / r, dS.T @ q / r, A.T @ do / r", "no root"),
        ("attention's pullback", f"{DS}return A.T @ do, dS @ k / r, dS.T @ q / r", "The order"),
        ("attention's pullback", f"{DS}return dS @ k / r, dS.T @ q, A.T @ do", "Only dq"),
        ("attention's pullback", "dS = A * (do @ v.T) / q.shape[1] ** 0.5; "
         "return dS @ k, dS.T @ q, A.T @ do", "second term is missing"),
        ("attention's pullback", "dS = A * (1 - A) * (do @ v.T) / q.shape[1] ** 0.5; "
         "return dS @ k, dS.T @ q, A.T @ do", "entry by entry"),
        ("attention's pullback", "dS = do @ v.T / q.shape[1] ** 0.5; "
         "return dS @ k, dS.T @ q, A.T @ do", "passed over"),
        ("split into heads", "return x.reshape(heads, x.shape[0], -1)", "cuts the memory"),
        ("split into heads", "return x.reshape(x.shape[0], heads, -1)", "swap the first two"),
        ("split into heads", "return np.array([x[:, h::heads] for h in range(heads)])", "in turn"),
        ("causal mask", "return np.triu(np.ones((T, T))) > 0", "transposed"),
        ("causal mask", "return np.arange(T)[:, None] > np.arange(T)", "leaves out the diagonal"),
        ("causal mask", "return np.arange(T)[:, None] < np.arange(T)", "inverted"),
        ("causal mask", "return np.arange(T)[:, None] + 1 >= np.arange(T)", "one place ahead"),
        ("causal mask", "return np.where(np.tri(T) > 0, 0, -1e9)", "True or False is due"),
        ("causal mask", "return np.where(np.tri(T) > 0, 0, -1e9)", "large negative number"),
        ("causal mask", "return np.arange(T)[:, None] > np.arange(T)", "is False, and True is due"),
        ("soft look-up", "A = np.exp(keys @ q / len(q) ** 0.5); return A / A.sum() @ values",
         "root of d"),
        ("soft look-up", "A = np.exp(keys @ q); return (A / A.sum())[:, None] * values",
         "to be added up"),
        ("split into heads", "return x.reshape(len(x), heads, -1).swapaxes(1, 2)",
         "second and third"),
        ("split into heads", "return np.array(np.split(x, heads))", "shares out the tokens"),
        ("attention's pullback", f"{DS}return dS @ k * r, dS.T @ q * r, A.T @ do", "multiplies"),
        ("attention's pullback", f"{DS}r = len(k) ** 0.5; "
         "return dS @ k / r, dS.T @ q / r, A.T @ do", "how many keys"),
        ("attention's pullback", f"{DS}r = len(q) ** 0.5; "
         "return dS @ k / r, dS.T @ q / r, A.T @ do", "how many queries"),
        ("attention's pullback", f"{DS}r = v.shape[1] ** 0.5; "
         "return dS @ k / r, dS.T @ q / r, A.T @ do", "values' width"),
        ("class token's gradient", f"{WAYS}return g + v", "Query and key are forgotten"),
        ("class token's gradient", f"{WAYS}return g + v + c * q + c * k", "counts twice"),
        ("class token's gradient", f"{WAYS}return g + v + q + u.T @ Q_cls @ Wk.T", "the last row"),
        ("hide what is looked at", "rank = np.argsort(np.argsort(-looked)); "
         "return (rank < rows)[:, None]", "inverted"),
        ("hide what is looked at", "rank = np.argsort(np.argsort(looked)); "
         "return (rank >= rows)[:, None]", "least looked at: argsort"),
        ("hide what is looked at", "rank = np.argsort(np.argsort(looked)); "
         "return (rank < rows)[:, None]", "hides all others"),
        ("hide what is looked at", "rank = np.argsort(np.argsort(-looked)); return rank >= rows",
         "queries' axis is missing"),
        ("hide what is looked at", "rank = np.argsort(np.argsort(-looked)); "
         "return (rank >= rows)[None]", "stands first"),
        ("hide what is looked at", "rank = np.argsort(np.argsort(-looked)); "
         "return (rank >= rows)[:, :, None]", "stands last"),
        ("hide what is looked at", "return (np.argsort(-looked) >= rows)[:, None]",
         "each row's rank"),
        ("hide what is looked at", "rank = np.argsort(np.argsort(-looked, 0), 0); "
         "return (rank >= rows)[:, None]", "down the columns"),
        ("hide what is looked at", "return (looked <= np.sort(looked)[:, -rows, None])[:, None]",
         "too few"),
        ("hide what is looked at", "return (looked < np.sort(looked)[:, -rows - 1, None])[:, None]",
         "too many"),
        ("layer norm's dx", f"{NORM}return (g - m(g) - h * (g * h).sum(1)[:, None]) / s",
         "The last term has the sum"),
        ("layer norm's dx", f"{NORM}return (g - g.sum(1)[:, None] - h * m(g * h)) / s",
         "The mean's term has the sum"),
        ("layer norm's dx", NORM.replace("** 0.5", "") + "return (g - m(g) - h * m(g * h)) / s",
         "The variance stands"),
        ("layer norm's dx", NORM.replace("a.mean(1)[:, None]", "a.mean(0)")
         + "return (g - m(g) - h * m(g * h)) / s", "runs down the columns"),
        ("layer norm's dx", f"{NORM}return (g - m(g)) / s", "taken for a constant"),
        ("layer norm's dx", f"{NORM}return (g - h * m(g * h)) / s", "mean's term is missing"),
        ("layer norm's dx", f"{NORM}return (dy - m(dy) - h * m(dy * h)) / s", "gamma is forgotten"),
        ("layer norm's dx", f"{NORM}return (g - m(g) - h * m(g * h))", "not divided"),
        ("layer norm's dx", f"{NORM}return g / s", "Both terms are missing"),
        ("layer norm's dx", f"{NORM}return (g - g.sum(1)[:, None] - h * (g * h).sum(1)[:, None])/s",
         "1/n is missing"),
        ("layer norm's dx", f"{NORM}return (g - g.mean(0) - h * (g * h).mean(0)) / s", "the batch"),
        ("layer norm's dx", f"{NORM}return gamma * (dy - m(dy) - h * m(dy * h)) / s", "at the end"),
        ("layer norm's dx", NORM.replace("+ 1e-5", "") + "return (g - m(g) - h * m(g * h)) / s",
         "ε is missing"),
    ],
)  # fmt: skip
def test_a_slip_in_the_student_s_own_lines_is_recognised(name, lines, sentence):
    assert_recognised(name, lines, sentence)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("attention's pullback", f"{DS}return dS @ k / 2, dS.T @ q / 2, A.T @ do"),
        ("split into heads", "return x.reshape(len(x), 2, -1).swapaxes(0, 1)"),
        ("causal mask", "return np.tri(4) > 0"),
        ("hide what is looked at", "rank = np.argsort(np.argsort(-looked)); "
         "return (rank >= 2)[:, None]"),
        ("layer norm's dx", NORM.replace("a.mean(1)", "(a.sum(1) / 4)")
         + "return (g - m(g) - h * m(g * h)) / s"),
    ],
)  # fmt: skip
def test_what_is_right_for_one_size_only_is_not_right(name, lines):
    assert said(name, lines).startswith("Not yet")


def test_numbers_for_true_and_false_are_no_slip_in_the_numbers():
    words = said("causal mask", "return np.tri(T)")
    assert words.endswith("holds numbers, and True or False is due: compare, such as > 0.")
