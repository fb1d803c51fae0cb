"""The exercises of lesson 01 hear what students write: other ways, and slips in own words."""

import pytest
from answers import assert_recognised, said

LOOP = "J = np.zeros((len(y(x)), len(x)))\n    for j in range(len(x)):\n        "
UP = "up, down = x.copy(), x.copy(); up[j] += h; down[j] -= h; "
TANH = "z = W @ x; t = np.tanh(z); "
KEPT = "ds = []\n    for f in reversed(pullbacks):\n        dL = f(dL); ds.append(dL)\n    "
BACK = "for pullback in {}:\n        {}\n    return dL"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("slope along u", "return sum(gradient * u) / np.sqrt(sum(u**2))"),
        ("slope along u", "return np.dot(u / np.linalg.norm(u), gradient)"),
        ("Jacobian by differences",
         LOOP + UP + "J[:, j] = (y(up) - y(down)) / (2 * h)\n    return J"),
        ("Jacobian by differences",
         "return np.array([(y(x + h * e) - y(x - h * e)) / h / 2 for e in np.eye(x.size)]).T"),
        ("pullback of a layer", "return (dy / np.cosh(W @ x)**2) @ W"),
        ("pullback of a layer", TANH + "return (np.diag(1 - t**2) @ W).T @ dy"),
        ("way back", "return pullbacks[0](pullbacks[1](pullbacks[2](dL)))"),
        ("way back", BACK.format("pullbacks[::-1]", "dL = pullback(dL)")),
        ("slopes from both sides", "return (f(x - h) - f(x)) / -h, (f(x + h) - f(x)) / h"),
        ("slopes from both sides",
         "return np.array([f(x) - f(x - h), f(x + h) - f(x)]) / h"),
    ],
)  # fmt: skip
def test_another_way_to_the_same_is_right(name, lines):
    assert said(name, lines).startswith("Right")


@pytest.mark.parametrize(
    ("name", "lines", "sentence"),
    [
        ("slope along u", "return np.dot(gradient, u)", "divide by the length of u"),
        ("slope along u", "return gradient * u / np.linalg.norm(u)", "add them up."),
        ("slope along u", "return gradient @ u / np.dot(u, u)", "one length is enough"),
        ("slope along u", "return gradient @ (u / np.linalg.norm(u)) / np.linalg.norm(gradient)",
         "That is cos θ"),
        ("Jacobian by differences", LOOP + UP + "J[:, j] = (y(up) - y(x)) / h\n    return J",
         "the forward difference"),
        ("Jacobian by differences",
         "return np.array([(y(x + h * e) - y(x - h * e)) / (2 * h) for e in np.eye(len(x))])",
         "It is transposed"),
        ("Jacobian by differences", LOOP + UP + "J[:, j] = (y(up) - y(down)) / 2 * h\n    return J",
         "needs brackets"),
        ("Jacobian by differences", LOOP + UP + "J[:, j] = (y(up) - y(down)) / h\n    return J",
         "it divides by h"),
        ("Jacobian by differences", LOOP + "x[j] += h\n    return J", "it changes an argument"),
        ("Jacobian by differences",
         "return np.array([(y(x + h * e) - y(x - h * e)) / 2 * h for e in np.eye(len(x))])",
         "needs brackets, for / 2 * h multiplies by h; and it is transposed"),
        ("Jacobian by differences",
         "return np.array([(y(x + h * e) - y(x - h * e)) / h for e in np.eye(len(x))])",
         "it divides by h; and it is transposed"),
        ("Jacobian by differences",
         "return np.array([(y(x + h * e) - y(x)) / h for e in np.eye(len(x))])",
         "the forward difference: step to either side; and it is transposed"),
        ("pullback of a layer", TANH + "return W.T @ (dy * (1 - t)**2)", "is of tanh alone"),
        ("pullback of a layer", "return W @ dy", "is missing, and W is to be transposed"),
        ("pullback of a layer", TANH + "return W @ (dy * (1 - t**2))", "is to be transposed"),
        ("pullback of a layer", "return W.T @ dy", "The slope of tanh is missing"),
        ("pullback of a layer", TANH + "return W.T @ (dy * t * (1 - t))", "for the sigmoid"),
        ("pullback of a layer", TANH + "return W.T @ (dy * (1 - np.tanh(t)**2))", "taken twice"),
        ("pullback of a layer", TANH + "return dy * (1 - t**2)", "stops at dz"),
        ("way back", BACK.format("pullbacks", "dL = pullback(dL)"), "of the way forward"),
        ("way back", "for back in reversed(pullbacks):\n        dx = back(dL)\n    return dx",
         "Each pullback gets the dL of the end"),
        ("way back", KEPT + "return ds", "the last of them is dx"),
        ("way back", KEPT + "return ds[::-1]", "with dx in front"),
        ("way back", "return [f(dL) for f in pullbacks]", "and all answers are returned"),
        ("way back", "return [f(dL) for f in reversed(pullbacks)]", "from the last on, and all"),
        ("way back", "pullbacks.reverse()\n    " + BACK.format("pullbacks", "dL = pullback(dL)"),
         "changes a list in place"),
        ("way back", "while pullbacks:\n        dL = pullbacks.pop()(dL)\n    return dL",
         "takes from a list"),
        ("slopes from both sides", "return (f(x + h) - f(x)) / h, (f(x) - f(x - h)) / h",
         "They are exchanged"),
        ("slopes from both sides", "return (f(x - h) - f(x)) / h, (f(x + h) - f(x)) / h",
         "from the left has the wrong sign"),
        ("slopes from both sides", "return (f(x) - f(x + h)) / h, (f(x + h) - f(x)) / h",
         "Both go to the same side"),
        ("slopes from both sides", "return f(x) - f(x - h), f(x + h) - f(x)", "not divided"),
    ],
)  # fmt: skip
def test_a_slip_in_the_student_s_own_lines_is_recognised(name, lines, sentence):
    assert_recognised(name, lines, sentence)


def test_an_answer_that_turns_the_list_round_spoils_it_for_nobody():
    said("way back", "pullbacks.reverse()\n    return dL")
    assert said("way back", BACK.format("reversed(pullbacks)", "dL = pullback(dL)")).startswith(
        "Right"
    )
