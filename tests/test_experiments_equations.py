"""What an update with its numbers promises: every number in it is the library's."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.experiments.equations import SYMBOLS, UPDATES, number, update
from nnlib.experiments.race import run, runner, settings_of
from nnlib.landscapes import bowl
from nnlib.optimizers import OPTIMIZERS, GradientDescent

SWITCHES = [
    runner(rule, 0.05, **{name: value})
    for rule in OPTIMIZERS
    for name, default in settings_of(rule).items()
    for value in ([True, False] if isinstance(default, bool) else [default])
] + [
    runner("GradientDescent", 0.05),
    runner("Momentum", 0.05, form="lr_inside"),
    runner("Momentum", 0.05, form="ema", nesterov=True),
    runner("Momentum", 0.05, form="lr_inside", nesterov=True),
    runner("Adam", 0.05, bias_correction=False, eps_inside=True),
    runner("Adam", 0.05, weight_decay=0.3),
    runner("RMSprop", 1e-9, decay=0.5),
]
each_runner = pytest.mark.parametrize("who", sorted(set(SWITCHES)), ids=repr)


@each_runner
@pytest.mark.parametrize("axis", [0, 1])
def test_the_lines_come_to_what_the_rule_remembers_and_to_the_next_place(who, axis):
    found = run(bowl(3), who, (5.0, -3.0), steps=12, noise=0.3)
    for step in range(12):
        lines = {line.symbols.split(" ")[0]: line.value for line in update(found, step, axis)}
        assert lines[r"\theta"] == pytest.approx(found.path[step + 1, axis], rel=1e-12, abs=1e-13)
        for name, rows in found.state.items():
            want = rows[step + 1, axis]
            assert lines[SYMBOLS[name]] == pytest.approx(want, rel=1e-12, abs=1e-300)


def computed(text):
    """What TeX of numbers comes to, read by other means than it was written."""
    text = text.replace(r"\cdot", "*").replace("{,}", "")
    while match := re.search(r"\^\{([^{}]*)\}", text):
        text = text[: match.start()] + f"**({match[1]})" + text[match.end() :]
    for _ in range(9):
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"((\1)**0.5)", text)
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    assert not set(text) - set("0123456789.+-*/() ")
    return eval(text)


@each_runner
def test_the_numbers_that_are_printed_come_to_the_number_that_is_printed(who):
    found = run(bowl(3), who, (5.0, -3.0), steps=9, noise=0.3)
    for step in (0, 1, 8):
        for line in update(found, step, 1):
            numbers, shown = line.tex().split(" = ")[1:]
            size = max(abs(float(n)) for n in re.findall(r"\d+\.?\d*", numbers)) + 1
            assert computed(numbers) == pytest.approx(
                line.value, rel=5e-3, abs=2e-3 * min(size, 1e3)
            )
            assert computed(shown) == pytest.approx(line.value, rel=1e-3)


def test_symbols_are_the_equation_and_switches_change_it():
    def theta(who):
        found = run(bowl(1), who, (1.0, 1.0), steps=2)
        return [line.symbols for line in update(found, 1, 0)]

    assert theta(runner("GradientDescent")) == [r"\theta \leftarrow \theta - \eta\, g"]
    assert theta(runner("Adam", eps_inside=True))[-1] == (
        r"\theta \leftarrow \theta - \frac{\eta\, \hat m}{\sqrt{\hat v + \varepsilon}}"
    )
    assert theta(runner("Momentum", form="ema"))[0] == r"v \leftarrow \rho\, v + (1 - \rho)\, g"
    seen = {tuple(theta(who)) for who in SWITCHES if who.lr == 0.05}
    assert len(seen) == 1 + 6 - 1 + 2 + 2 + 4 + 1  # of Momentum, one pair is not among them


class Half(GradientDescent):
    """A rule that is told by what it remembers."""

    moments = ("seen",)

    def __init__(self, theta, lr):
        super().__init__(theta, lr)
        self.seen = np.zeros_like(theta)

    def update(self, g):
        seen = self.seen + g
        self.t, self.seen, self.theta[:] = self.t + 1, seen, self.theta - self.lr * seen / 2


def test_a_new_rule_is_told_by_what_it_remembers_and_by_its_move(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "Half", Half)
    found = run(bowl(1), runner("Half", 0.5), (8.0, 0.0), steps=3)
    seen, theta = update(found, 1, 0)
    assert seen.value == found.state["seen"][2, 0]
    assert theta.value == found.path[2, 0]
    assert theta.tex() == r"\theta \leftarrow \theta + \Delta = 6 + (-3.5) = 2.5"


def test_every_rule_of_the_library_has_its_lines():
    assert list(UPDATES) == list(OPTIMIZERS)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_to_four_digits(x):
    text = number(x).replace(r" \cdot ", "*").replace("10^{", "10.0**(").replace("}", ")")
    text = f"({text})" if abs(x) < 1e300 else "inf"
    assert "e" not in number(x)
    if 1e-300 < abs(x) < 1e300:
        assert eval(text) == pytest.approx(x, rel=6e-4)


@pytest.mark.parametrize("step", [-1, 3])
def test_a_step_that_was_not_taken_has_no_update(step):
    found = run(bowl(1), runner("Adam"), (8.0, 0.0), steps=3)
    with pytest.raises(
        ValueError, match=f"^update: step must be one that was taken, 0..2; got {step}"
    ):
        update(found, step, 0)


def test_many_starts_have_many_updates():
    found = run(bowl(1), runner("Adam"), np.ones((2, 3)), steps=3)
    with pytest.raises(ValueError, match="^update: found must be a run from one start"):
        update(found, 0, 0)
