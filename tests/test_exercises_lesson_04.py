"""The exercises of lesson 04 hear what students write: typed-in numbers, and slips in own words."""

import pytest
from answers import assert_recognised, said

from nnlib.exercises import exercises
from nnlib.exercises.lesson_04 import EXERCISES

RMSPROP = "v = gamma * v + (1 - gamma) * g**2"
MEANS = "m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g**2; "
ADAM = MEANS + "mh = m / (1 - beta1**t); vh = v / (1 - beta2**t); "


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("clipping", "N = np.linalg.norm(g); return g / N if N > longest else g"),
        ("clipping", "return g * min(1, 1 / np.linalg.norm(g))"),
        ("clipping", "N = np.linalg.norm(g); return g / N * min(longest, N)"),
        ("momentum step", "v = rho * v + (1 - rho) * g; return theta - v, v"),
        ("RMSprop step", f"{RMSPROP}; return theta - 0.1 * g / (np.sqrt(v) + eps), v"),
        ("RMSprop step", f"{RMSPROP}; return theta - lr * g / (np.sqrt(v) + 1e-8), v"),
        ("RMSprop step", "v = 0.9 * v + 0.1 * g**2; return theta - lr * g / (v**0.5 + eps), v"),
        ("Adam step", f"{ADAM}return theta - lr * mh / (np.sqrt(vh) + 1e-8), m, v"),
        ("Adam step", f"{ADAM}return theta - (1 - beta1) * mh / (np.sqrt(vh) + eps), m, v"),
        ("Adam step", f"{ADAM}return theta - lr * mh / (vh**0.5 + eps), mh * (1 - 0.9**t), v"),
        ("best rate", "L = np.linalg.eigvalsh(H); return 2 / (1 + L[-1] / L[0])"),
    ],
)  # fmt: skip
def test_what_is_right_for_some_settings_only_is_not_right(name, lines):
    assert said(name, lines).startswith("Not yet")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("clipping", "return g * min(1, longest / np.linalg.norm(g))"),
        ("clipping", "N = np.linalg.norm(g); return g if N <= longest else g / N * longest"),
        ("momentum step", "return theta - rho * v - lr * g, rho * v + lr * g"),
        ("RMSprop step", f"{RMSPROP}; return theta - g * (lr / (v**0.5 + eps)), v"),
        ("Adam step", f"{ADAM}return theta - lr * mh / (vh**0.5 + eps), m, v"),
        ("best rate", "L = np.sort(np.linalg.eigvals(H)); return 2 / (L[0] + L[-1])"),
    ],
)
def test_another_way_to_the_same_is_right(name, lines):
    assert said(name, lines).startswith("Right")


@pytest.mark.parametrize(
    ("name", "lines", "sentence"),
    [
        ("clipping", "return g", "It changes nothing."),
        ("clipping", "return g * min(1, longest / (np.linalg.norm(g) + 1e-6))", "PyTorch adds"),
        ("clipping", "return g * min(1, np.linalg.norm(g) / longest)", "upside down"),
        ("clipping", "return g * min(1, longest / g.max())", "without its sign"),
        ("clipping", "return np.minimum(g, longest)", "cut off"),
        ("clipping", "return min(1, longest / np.linalg.norm(g))", "It returns the factor"),
        ("momentum step", "v = v + lr * g; return theta - v, v", "ρ is missing"),
        ("momentum step", "v = lr * v + rho * g; return theta - v, v", "η and ρ are exchanged"),
        ("momentum step", "v = rho * v + lr * g; return theta - lr * g, v", "kept and not used"),
        ("momentum step", "v = rho * v - lr * g; return theta + v, v", "as Keras has it"),
        ("momentum step", "v = rho * v - lr * g; return theta - v, v", "subtracted twice"),
        ("momentum step", "v = rho * (v + lr * g); return theta - v, v", "the new gradient too"),
        ("momentum step", "v = rho * v + (1 - rho) * lr * g; return theta - v, v", "in full"),
        ("momentum step", "v = rho * v + lr * g; return theta - (rho * v + lr * g), v", "Nesterov"),
        ("momentum step", "v = rho * v + lr * g; return v, theta - v", "return θ first"),
        ("momentum step", "v = rho * v + lr * g; return theta + v, v", "is to be subtracted"),
        ("RMSprop step", f"{RMSPROP}; return theta - lr * g / np.sqrt(v) + eps, v", "Brackets"),
        ("RMSprop step", f"{RMSPROP}; return theta - lr * g / np.sqrt(v), v", "ε is missing"),
        ("RMSprop step", f"{RMSPROP}; return theta - g / (np.sqrt(v) + eps), v", "η is missing"),
        ("RMSprop step", f"{RMSPROP}; return theta - lr / (np.sqrt(v) + eps), v", "no direction"),
        ("RMSprop step", "w = gamma * v + (1 - gamma) * g**2; "
         "return theta - lr * g / (np.sqrt(w) + eps), v", "the old v: nothing"),
        ("RMSprop step", f"{RMSPROP}; return theta - lr * g / (np.sqrt(v) + eps), np.sqrt(v)",
         "the root of v"),
        ("RMSprop step", f"{RMSPROP}; return theta - lr * g / (np.sqrt(v/(1-gamma)) + eps), v",
         "Adam has"),
        ("RMSprop step", "v = gamma * v + (1 - gamma) * (g @ g); "
         "return theta - lr * g / (np.sqrt(v) + eps), v", "each has its own"),
        ("Adam step", MEANS + "mh = m / (1 - beta1); vh = v / (1 - beta2); "
         "return theta - lr * mh / (np.sqrt(vh) + eps), m, v", "without the power"),
        ("Adam step", MEANS + "mh = m / (1 - beta1 * t); vh = v / (1 - beta2 * t); "
         "return theta - lr * mh / (np.sqrt(vh) + eps), m, v", "times t"),
        ("Adam step", MEANS + "mh = m / (1 - beta1)**t; vh = v / (1 - beta2)**t; "
         "return theta - lr * mh / (np.sqrt(vh) + eps), m, v", "of β alone"),
        ("Adam step", MEANS + "mh = m * (1 - beta1**t); vh = v * (1 - beta2**t); "
         "return theta - lr * mh / (np.sqrt(vh) + eps), m, v", "so divide"),
        ("Adam step", MEANS + "mh = m / (1 - beta1**t); vh = v / (1 - beta1**t); "
         "return theta - lr * mh / (np.sqrt(vh) + eps), m, v", "has its own"),
        ("Adam step", MEANS + "mh = m / (1 - beta1**(t + 1)); vh = v / (1 - beta2**(t + 1)); "
         "return theta - lr * mh / (np.sqrt(vh) + eps), m, v", "first step already"),
        ("Adam step", "m = beta1 * m + g; v = beta2 * v + g**2; mh = m / (1 - beta1**t); "
         "vh = v / (1 - beta2**t); return theta - lr * mh / (np.sqrt(vh) + eps), m, v", "weights"),
        ("Adam step", f"{ADAM}return theta - lr * g / (np.sqrt(vh) + eps), m, v", "g for m̂"),
        ("Adam step", f"{ADAM}return theta - lr * mh / np.sqrt(vh) + eps, m, v", "Brackets"),
        ("Adam step", f"{ADAM}return theta - lr * (mh / np.sqrt(vh) + eps), m, v", "Brackets"),
        ("Adam step", f"{ADAM}return theta - lr * mh / np.sqrt(vh), m, v", "ε is missing"),
        ("Adam step", f"{ADAM}return theta - mh / (np.sqrt(vh) + eps), m, v", "η is missing"),
        ("Adam step", f"old = m, v; {ADAM}return theta - lr * mh / (np.sqrt(vh) + eps), *old",
         "the old m and v: nothing"),
        ("Adam step", "m = m / (1 - beta1**t); v = v / (1 - beta2**t); step = m / (v**0.5 + eps); "
         f"{MEANS}return theta - lr * step, m, v", "update them first"),
        ("best rate", "return 2 / np.linalg.eigvalsh(H)[0]", "2/μ"),
        ("best rate", "L = np.linalg.eigvals(H); return 2 / (L[0] + L[-1])", "eigvalsh sorts"),
        ("best rate", "L = np.linalg.eigvalsh(H); return (L[-1] - L[0]) / (L[-1] + L[0])",
         "the factor by which"),
        ("best rate", "L = np.linalg.eigvalsh(H); return 4 / (L[0]**0.5 + L[-1]**0.5)**2",
         "best momentum"),
        ("best rate", "return 2 / (1 + np.linalg.cond(H))", "where μ is 1"),
    ],
)  # fmt: skip
def test_a_slip_in_the_student_s_own_lines_is_recognised(name, lines, sentence):
    assert_recognised(name, lines, sentence)


@pytest.mark.parametrize("name", EXERCISES)
def test_no_constant_of_a_setting_is_that_of_another(name):
    """A number typed in for lr, beta or eps is right in one sample at most."""
    samples = [
        [a for a in arguments if isinstance(a, float)]
        for arguments in exercises()[name].samples.values()
    ]
    for values in zip(*samples):
        assert len(set(values)) > 1
