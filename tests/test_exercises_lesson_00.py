"""The exercises of lesson 00 hear what students write: other ways, and slips in own words."""

import pytest
from answers import assert_recognised, said

P = "p = 1 / (1 + np.exp(-z)); "


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("sigmoid", "return np.exp(z) / (1 + np.exp(z))"),
        ("sigmoid", "return np.array([1 / (1 + np.exp(-one)) for one in z])"),
        ("sigmoid", "return 0.5 + 0.5 * np.tanh(z / 2)"),
        ("step downhill", "return theta + (-grad) * lr"),
        ("step downhill", "new = theta.copy(); new -= lr * grad; return new"),
        ("shapes of gradients", "return [(samples, d_in), (d_out, d_in), (d_out,)]"),
        ("sigmoid, there and back",
         "e = np.exp(-z); return 1 / (1 + e), lambda dp: dp * e / (1 + e) ** 2"),
        ("sigmoid, there and back", P + "return p, lambda dp: dp * (p - p**2)"),
    ],
)  # fmt: skip
def test_another_way_to_the_same_is_right(name, lines):
    assert said(name, lines).startswith("Right")


@pytest.mark.parametrize(
    ("name", "lines", "sentence"),
    [
        ("sigmoid", "return 1 / 1 + np.exp(-z)", "so put it in brackets"),
        ("sigmoid", "return 1 / (1 + np.exp(z))", "The minus in the exponent"),
        ("sigmoid", "return np.exp(-z)**-1", "The 1 in the denominator"),
        ("sigmoid", P + "return p - p * p", "its slope"),
        ("sigmoid", "import math; return 1 / (1 + math.exp(-z))", "and np.exp an array"),
        ("step downhill", "return theta + grad * lr", "uphill"),
        ("step downhill", "return theta - grad", "The learning rate is missing"),
        ("step downhill", "return (theta - grad) * lr", "Brackets"),
        ("step downhill", "return -grad * lr", "add it to θ"),
        ("step downhill", "theta -= lr * grad; return theta", "work on a new array"),
        ("shapes of gradients", "return (samples, d_in), (d_in, d_out), (d_out,)", "transposed"),
        ("shapes of gradients", "return (samples, d_in), (d_out, d_in), (samples, d_out)",
         "share b"),
        ("shapes of gradients", "return (samples, d_in), (d_out, d_in), (d_out)", "mind the comma"),
        ("shapes of gradients", "return (samples, d_out), (d_out, d_in), (d_out,)", "shape of y"),
        ("sigmoid, there and back", P + "return p, lambda dp: p * dp", "1 - p is missing"),
        ("sigmoid, there and back", P + "return p, lambda dp: p - p**2", "σ′ alone"),
        ("sigmoid, there and back", P + "return p, p * (1 - p)", "a function of dp"),
        ("sigmoid, there and back", P + "return p", "a function of dp"),
        ("sigmoid, there and back", P + "return p, lambda dp: dp * (1 - p) * (1 + p)",
         "tanh's slope"),
    ],
)  # fmt: skip
def test_a_slip_in_the_student_s_own_lines_is_recognised(name, lines, sentence):
    assert_recognised(name, lines, sentence)
