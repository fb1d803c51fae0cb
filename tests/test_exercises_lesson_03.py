"""The exercises of lesson 03 hear what students write: other ways, and slips in own words."""

import pytest
from answers import assert_recognised, said

P = "p = 1 / (1 + np.exp(-z)); "
SOFTMAX = "e = np.exp(z - z.max(axis=-1, keepdims=True)); p = e / e.sum(axis=-1, keepdims=True); "
STABLE = "losses = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))); " + P


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("slope of -ln sigmoid", "return -1 / (1 + np.exp(z))"),
        ("slope of -ln sigmoid", P + "return -(1 / p) * p * (1 - p)"),
        ("gradient of squares", "return (prediction - target) * 2 / np.size(target)"),
        ("log-sum-exp", "return np.logaddexp.reduce(z, axis=-1)"),
        ("softmax cross-entropy", SOFTMAX + "return p / len(Y) - Y / len(Y)"),
        ("cross-entropy of a score",
         P + "return np.mean(np.logaddexp(0, z) - y * z), lambda dL: (p - y) * (dL / len(z))"),
    ],
)  # fmt: skip
def test_another_way_to_the_same_is_right(name, lines):
    assert said(name, lines).startswith("Right")


@pytest.mark.parametrize(
    ("name", "lines", "sentence"),
    [
        ("slope of -ln sigmoid", P + "return 1 / p", "mind the minus, and multiply"),
        ("slope of -ln sigmoid", P + "return -(1 - p)**2", "One factor 1 - p is enough"),
        ("gradient of squares", "return prediction - target", "half the sum, as in D"),
        ("gradient of squares", "return 2 * (target - prediction)", "and the mean's 1/n is"),
        ("gradient of squares", "return (target - prediction) / target.size", "and the 2 is"),
        ("gradient of squares", "return target - prediction", "the 2 and the mean's 1/n are"),
        ("log-sum-exp", "a = z.max(axis=-1); return a + np.log(np.exp(z - a).sum(axis=-1))",
         "keepdims=True"),
        ("log-sum-exp", "return -np.logaddexp.reduce(z, axis=-1)", "The sign is wrong"),
        ("log-sum-exp", "a = z.max(axis=0); return a + np.log(np.exp(z - a).sum(axis=0))",
         "down the columns"),
        ("log-sum-exp", "return z.max(axis=-1)", "the largest score alone"),
        ("log-sum-exp", "return z - np.logaddexp.reduce(z, axis=-1)[:, None]", "ln softmax"),
        ("softmax cross-entropy", SOFTMAX + "return Y - p", "and 1/n is missing"),
        ("softmax cross-entropy", SOFTMAX + "return 2 * (p - Y) / len(z)", "There is no 2"),
        ("softmax cross-entropy", P + "return (p - Y) / len(z)", "Those are sigmoids"),
        ("softmax cross-entropy", "e = np.exp(z); return (e / e.sum() - Y) / len(z)",
         "over all entries there"),
        ("cross-entropy of a score", STABLE + "return losses.mean(), (p - y) / z.size",
         "a function of dL"),
        ("cross-entropy of a score", STABLE + "return losses.mean()", "a function of dL"),
        ("cross-entropy of a score",
         STABLE + "return losses.sum(), lambda dL: dL * (p - y) / z.size", "the mean too"),
        ("cross-entropy of a score", "a = np.abs(z); " + P + "return "
         "np.mean(a - y * z + np.log1p(np.exp(-a))), lambda dL: dL * (p - y) / z.size",
         "max(z, 0) is due"),
        ("cross-entropy of a score",
         STABLE + "return losses.mean(), lambda dL: dL * (z - y) / z.size", "its sigmoid"),
        ("cross-entropy of a score", STABLE + "return losses.mean(), "
         "lambda dL: dL * (p - y) / (p * (1 - p)) / z.size", "by the prediction"),
    ],
)  # fmt: skip
def test_a_slip_in_the_student_s_own_lines_is_recognised(name, lines, sentence):
    assert_recognised(name, lines, sentence)
