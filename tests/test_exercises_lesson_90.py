"""The exercises of lesson 90 hear what students write: ways to the same, slips in own words."""

import pytest
from answers import assert_recognised, said

LOOP = "for x in inputs:\n        "
GAP = "gap = np.abs(printed(x) - truth(x)).max() / np.abs(truth(x)).max()\n        "
S = "s = np.exp(z - max(z)); s /= s.sum(); "
T = "s = np.exp(z) / sum(np.exp(z)); "


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("slope by a complex step", "return np.imag(f(x + 1e-20j)) * 1e20"),
        ("slope by a complex step", "return np.array([f(one + 1e-100j).imag / 1e-100 "
         "for one in x])"),
        ("error of a form", "return max(abs((form - truth).ravel())) / max(abs(truth.ravel()))"),
        ("error of a form", "scale = np.linalg.norm(truth.ravel(), np.inf)\n    "
         "return np.linalg.norm((form - truth).ravel() / scale, np.inf)"),
        ("check that convicts", f"{LOOP}{GAP}if np.isnan(gap) or gap > 1e-9: return True\n    "
         "return False"),
        ("check that convicts", "return not all(np.allclose(printed(x), truth(x), rtol=0, "
         "atol=1e-9 * np.abs(truth(x)).max()) for x in inputs)"),
        ("Jacobian mended", f"{S}return s[:, None] * (np.eye(len(z)) - s)"),
        ("Jacobian mended", f"{S}return [[s[i] * ((i == j) - s[j]) for j in range(len(z))] "
         "for i in range(len(z))]"),
    ],
)  # fmt: skip
def test_another_way_to_the_same_is_right(name, lines):
    assert said(name, lines).startswith("Right")


@pytest.mark.parametrize(
    ("name", "lines", "sentence"),
    [
        ("slope by a complex step", "return f(x + 1e-30j).real", "f itself"),
        ("slope by a complex step", "return f(x + 1e-20j).imag", "the imaginary part is divided"),
        ("slope by a complex step", "return (f(x + 1e-6) - f(x)) / 1e-6", "digits cancel"),
        ("error of a form", "return np.max(np.abs(truth - form))", "divide by the largest entry"),
        ("error of a form", "return np.max(np.abs(form / truth - 1))", "divided by its own"),
        ("error of a form", "return np.mean(np.abs(form - truth)) / np.max(np.abs(truth))",
         "The mean hides"),
        ("error of a form", "return np.max(np.abs(form - truth)) / np.max(truth)",
         "may be negative"),
        ("check that convicts", f"{LOOP}{GAP}if gap > 1e-9: return True\n    return False",
         "nan > bound"),
        ("check that convicts", f"{LOOP}{GAP}return not gap <= 1e-9", "the first input only"),
        ("check that convicts", f"{LOOP}{GAP}if gap <= 1e-9: return False\n    return True",
         "a single wrong one is enough"),
        ("check that convicts", f"{LOOP}if not np.allclose(printed(x), truth(x), rtol=0, "
         "atol=1e-9): return True\n    return False", "absolute"),
        ("check that convicts", f"{LOOP}{GAP}if not gap <= 1e-9: return False\n    return True",
         "the other way round"),
        ("Jacobian mended", f"{S}return np.diag(s) - np.outer(z, z)", "the slip in the notes"),
        ("Jacobian mended", f"{S}return np.diag(s - s**2)", "Only the diagonal"),
        ("Jacobian mended", f"{S}return np.diag(s) + s[:, None] * s", "do not sum to 0"),
        ("Jacobian mended", f"{T}return np.diag(s) - np.outer(s, s)", "overflows"),
    ],
)  # fmt: skip
def test_a_slip_in_the_student_s_own_lines_is_recognised(name, lines, sentence):
    assert_recognised(name, lines, sentence)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("slope by a complex step", "return 1 - np.tanh(x) ** 2"),
        ("error of a form", "return 2.0"),
        ("check that convicts", "return printed(inputs[0])[0] != truth(inputs[0])[0]"),
        ("Jacobian mended", "return np.full((4, 4), -0.0625) + np.eye(4) / 4"),
    ],
)
def test_what_is_right_for_one_sample_only_is_not_right(name, lines):
    assert said(name, lines).startswith("Not yet")
