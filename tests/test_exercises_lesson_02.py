"""The exercises of lesson 02 hear what students write: other ways, and slips in own words."""

import pytest
from answers import assert_recognised, said

S = "s = 1 / (1 + np.exp(-x)); "
LARGEST = "a = z.max(axis=-1); "


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("linear layer's pullback",
         "dW = sum(np.outer(g, a) for g, a in zip(dy, x)); return dy @ W, dW, sum(dy)"),
        ("linear layer's pullback", "return np.einsum('si,ij->sj', dy, W), (x.T @ dy).T, "
         "np.ones(len(dy)) @ dy"),
        ("leaky ReLU's pullback", "return dy * np.where(x > 0, 1, slope)"),
        ("leaky ReLU's pullback", "return dy * (x > 0) + slope * dy * (x <= 0)"),
        ("sigmoid's pullback", "return dy / (2 + 2 * np.cosh(x))"),
        ("sigmoid's pullback", "return dy / (1 + np.exp(-x)) / (1 + np.exp(x))"),
        ("softmax's pullback",
         "return np.array([(np.diag(q) - np.outer(q, q)) @ g for q, g in zip(p, dp)])"),
        ("softmax's pullback", "a = p * dp; return a - p * a.sum(axis=1)[:, None]"),
        ("softmax of large scores", "return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])"),
        ("softmax of large scores", f"{LARGEST}e = np.exp(z - a[:, None]); "
         "return (e.T / e.sum(axis=1)).T"),
        ("a bend at each knot", "s = np.diff(values) / np.diff(knots); "
         "return [s[0], *(s[1:] - s[:-1])]"),
    ],
)  # fmt: skip
def test_another_way_to_the_same_is_right(name, lines):
    assert said(name, lines).startswith("Right")


@pytest.mark.parametrize(
    ("name", "lines", "sentence"),
    [
        ("linear layer's pullback", "return np.matmul(dy, W), (dy.T @ x).T, dy.sum(0)",
         "dW is transposed"),
        ("linear layer's pullback", "return dy @ W, dy.T @ x, dy", "missing in db"),
        ("linear layer's pullback", "return dy @ W, dy.T @ x, np.mean(dy, 0)", "db is a mean"),
        ("linear layer's pullback", "n = len(dy); return dy @ W, dy.T @ x / n, dy.sum(0) / n",
         "dW and db are means"),
        ("linear layer's pullback", "db = dy.sum(0); return dy @ W, db[:, None] * x.sum(0), db",
         "product of sums"),
        ("linear layer's pullback", "return W.T @ dy, dy @ x.T, dy", "Those are A's"),
        ("linear layer's pullback", "return W.T @ dy, dy @ x.T, sum(dy)", "dx and dW are A's"),
        ("linear layer's pullback", "return W.T @ dy, dy @ x.T, dy.sum(1)", "All three are for"),
        ("linear layer's pullback", "return np.matmul(W.T, dy), dy.T @ x, sum(dy)", "dx is A's"),
        ("linear layer's pullback", "return dy @ W, np.matmul(dy, x.T), sum(dy)", "dW is A's"),
        ("linear layer's pullback", "return dy @ W, np.mean(dy[:, :, None] * x[:, None], 0), "
         "sum(dy)", "dW is a mean"),
        ("linear layer's pullback", "dy = dy / len(dy); return dy @ W, dy.T @ x, dy.sum(0)",
         "All three are means"),
        ("linear layer's pullback", "return dy @ W, dy.T @ x, dy.sum(0)[None]", "kept the summed"),
        ("leaky ReLU's pullback", "return dy * (x >= 0) + slope * dy * (x < 0)", "left slope"),
        ("leaky ReLU's pullback", "return np.maximum(slope * dy, dy)", "x decides"),
        ("leaky ReLU's pullback", "return np.maximum(slope * x, x) * dy", "None of the usual"),
        ("leaky ReLU's pullback", "return dy * np.array(x > 0, float)", "The leak is missing"),
        ("leaky ReLU's pullback", "return np.where(x > 0, 1, slope * x) * dy", "whatever x is"),
        ("leaky ReLU's pullback", "return dy * (x > 0) - slope * dy * (x <= 0)", "wrong sign"),
        ("leaky ReLU's pullback", "return dy * max(slope, 1)", "for both sides"),
        ("leaky ReLU's pullback", "return slope * dy if x <= 0 else dy", "An if asks once"),
        ("sigmoid's pullback", f"{S}return s * (1 - s) * dy", "has cancelled"),
        ("sigmoid's pullback", f"{S}return dy * np.exp(-x) * s**2", "overflows on the left"),
        ("sigmoid's pullback", f"{S}return dy * s", "not its slope"),
        ("softmax's pullback", "return dp * p - dp * p**2", "not diagonal"),
        ("softmax's pullback", "return p * (dp - np.sum(p * dp))", "over all rows at once"),
        ("softmax's pullback", "return p * (dp - np.sum(p * dp, axis=0))", "know nothing"),
        ("softmax's pullback", "return dp - p * dp.sum(1)[:, None]", "That is for ln p"),
        ("softmax's pullback", "return (dp - np.matmul(dp, p.T)) * p", "each row meet all others"),
        ("softmax of large scores", "e = np.exp(z - np.max(z)); return e / e.sum(1)[:, None]",
         "each row has its own"),
        ("softmax of large scores", f"{LARGEST}e = np.exp(z - a[:, None]); return e / e.sum(1)",
         "The row's sum has lost"),
        ("softmax of large scores", f"{LARGEST}e = np.exp(z - a); return e / e.sum(1)",
         "Both have lost"),
        ("softmax of large scores", "e = np.exp(z - z.max(0)); return e / e.sum(1)[:, None]",
         "The largest is that of the columns"),
        ("softmax of large scores", "e = np.exp(z - z.max(0)); return e / sum(e)",
         "Largest and sum are those of the columns"),
        ("softmax of large scores", "a = np.log(np.exp(z).sum(1)); return np.exp(z - a[:, None])",
         "The sum in the logarithm"),
        ("softmax of large scores", "e = np.exp(z.clip(-50, 50)); return e / e.sum(1)[:, None]",
         "Clipping makes"),
        ("a bend at each knot", "return np.gradient(values, knots)[:-1]", "None of the usual"),
        ("a bend at each knot", "return values[1:] - values[:-1]", "Those are rises"),
        ("a bend at each knot", "s = np.diff(values) / np.diff(knots); "
         "return np.diff([0, *s, 0])", "beyond it nothing"),
        ("a bend at each knot", "s = np.diff(values) / np.diff(knots); "
         "return [*np.diff(s, prepend=0), 0]", "be its amount 0"),
        ("a bend at each knot", "return np.diff([0, *values]) / np.diff([0, *knots])",
         "The 0 goes before the slopes"),
        ("a bend at each knot", "return np.add.accumulate(np.diff(values) / np.diff(knots))",
         "Those are sums of slopes"),
        ("a bend at each knot", "s = np.diff(values) / np.diff(knots); return s[1:] - s[:-1]",
         "The first unit is missing"),
    ],
)  # fmt: skip
def test_a_slip_in_the_student_s_own_lines_is_recognised(name, lines, sentence):
    assert_recognised(name, lines, sentence)


def test_the_entry_of_a_slip_is_told_with_both_values():
    words = said("linear layer's pullback", "return dy @ W, dy.T @ x, dy.mean(axis=0)")
    assert "for four samples, three inputs and two outputs, db[" in words
    assert "is due" in words
