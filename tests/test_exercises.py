"""What an exercise promises: it knows a right answer, names a usual slip, and stops no lesson."""

import re

import numpy as np
import pytest
from answers import said

from nnlib import exercises as module
from nnlib.blocks import sigmoid
from nnlib.exercises import exercise, exercises
from nnlib.exercises.judge import Exercise, verdict
from nnlib.plots.canvas import style
from tools import lessons

RNG = np.random.default_rng(0)
SLIPS = {
    "The sum over the row is left out.": lambda p, dp: p * dp,
    "The sum runs over the batch.": lambda p, dp: p * (dp - (p * dp).sum(axis=0)),
    "The sign is wrong.": lambda p, dp: p * ((p * dp).sum(axis=1, keepdims=True) - dp),
}
P = RNG.dirichlet(np.ones(3), size=2)
SAMPLES = {"at two rows": (P, RNG.standard_normal((2, 3))), "at one row": (P[:1], np.ones((1, 3)))}
SOFTMAX = Exercise(
    task="Return dz.",
    right=lambda p, dp: p * (dp - (p * dp).sum(axis=1, keepdims=True)),
    samples=SAMPLES,
    results=("dz",),
    slips=SLIPS,
    proved="No Jacobian is needed.",
    shown=sigmoid,
)
SQUARE = Exercise(
    task="Return the block.",
    right=lambda x: (x * x, lambda dy: 2 * x * dy),
    samples={"at two numbers": (np.array([1.0, -3.0]),)},
    results=("y", "dx"),
    slips={"The factor 2 is missing.": lambda x: (x * x, lambda dy: x * dy)},
    proved="Its pullback is its derivative.",
    block=True,
)


# -- the verdict -------------------------------------------------------------------------------


def test_nothing_written_is_told_what_to_do():
    def blank(p, dp): ...

    assert verdict(SOFTMAX, blank) == "Not begun. Return dz."
    assert verdict(SQUARE, lambda x: None) == "Not begun. Return the block."


def test_a_right_answer_hears_what_it_proves_and_sees_the_library_s_lines():
    words, _, source = verdict(SOFTMAX, SOFTMAX.right).partition("\n\n")
    assert words == "Right: 9 numbers agree. No Jacobian is needed."
    assert source.startswith("@block")
    assert "return y, pullback" in source
    assert '"""' not in source


def test_another_order_of_the_same_computation_is_right():
    other = lambda p, dp: np.einsum("bij,bj->bi", p[:, :, None] * (np.eye(3) - p[:, None]), dp)
    assert verdict(SOFTMAX, other).startswith("Right")


@pytest.mark.parametrize("sentence", SLIPS)
def test_a_usual_slip_is_named_with_the_entry_and_both_values(sentence):
    words = verdict(SOFTMAX, SLIPS[sentence])
    assert words.endswith(sentence)
    name, got, due = re.search(
        r"at two rows, dz(\[.*\]) is (\S+), and (\S+) is due", words
    ).groups()
    want = SOFTMAX.right(*SAMPLES["at two rows"])
    at = tuple(map(int, name.strip("[]").split(",")))
    assert due == f"{want[at]:.4g}"
    assert got == f"{SLIPS[sentence](*SAMPLES['at two rows'])[at]:.4g}"


def test_a_slip_of_another_kind_is_not_said_to_be_a_usual_one():
    words = verdict(SOFTMAX, lambda p, dp: p * dp + 1)
    assert words.endswith("None of the usual slips gives this: go through it line by line.")


def test_what_is_right_at_one_point_only_is_not_right():
    answer = lambda p, dp: SOFTMAX.right(p, dp) if len(p) == 2 else dp
    assert "at one row, dz[0, 0] is 1, and " in verdict(SOFTMAX, answer)


def test_a_block_is_judged_forth_and_back():
    assert (
        verdict(SQUARE, SQUARE.right) == "Right: 4 numbers agree. Its pullback is its derivative."
    )
    assert "y[1] is -27, and 9 is due" in verdict(SQUARE, lambda x: (x**3, lambda dy: 2 * x * dy))
    words = verdict(SQUARE, lambda x: (x * x, lambda dy: x * dy))
    assert words.endswith("The factor 2 is missing.")
    assert "dx[1] is " in words


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda p, dp: dp.sum(axis=1), "dz has shape (2,), and (2, 3) is due."),
        (lambda p, dp: (p, dp), "it must return dz; it returns 2."),
        (lambda p, dp: "p", "it returns no numbers but str."),
        (lambda p, dp: p @ dp, "it raises ValueError: "),
        (lambda p, dp: np.full((2, 3), np.nan), "dz[0, 0] is nan, and "),
        (lambda p, dp: np.multiply(p, dp, out=dp), "it changes an argument: work on a new array"),
        (lambda p, dp: SOFTMAX.right(p, dp) if len(p) == 2 else None, "it returns nothing."),
    ],
    ids=["shape", "count", "text", "error", "nan", "in place", "nothing once"],
)
def test_other_faults_are_told_and_nothing_is_raised(answer, sentence):
    words = verdict(SOFTMAX, answer)
    assert words.startswith("Not yet: at ")
    assert sentence in words


def test_an_error_is_told_with_the_student_s_line():
    def answer(p, dp):
        scaled = 2 * p
        return scaled @ dp

    assert verdict(SOFTMAX, answer).endswith(", in the line `return scaled @ dp`.")


def test_a_slip_that_raises_is_known_too():
    told = SOFTMAX._replace(slips={"There is no first entry.": lambda p, dp: [][0]})
    other = lambda p, dp: {}[0]
    assert verdict(told, lambda p, dp: [][0]).endswith("There is no first entry.")
    assert "first" not in verdict(told, other)
    assert verdict(told, eval("lambda p, dp: [][0]")).endswith("There is no first entry.")


def test_several_results_may_come_in_a_list():
    two = SOFTMAX._replace(right=lambda p, dp: (p, dp), results=("a", "b"), slips={}, shown=None)
    assert verdict(two, lambda p, dp: [p, dp]).startswith("Right")
    assert "it returns 1" in verdict(two, lambda p, dp: [p])


def test_what_is_no_block_is_told():
    assert "the function must return the pair" in verdict(SQUARE, lambda x: x * x)


def test_an_interrupt_is_the_user_s():
    def stopped(p, dp):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdict(SOFTMAX, stopped)


@pytest.mark.parametrize("name", exercises())
def test_who_has_not_begun_is_told_what_to_do(name):
    assert said(name, "pass") == f"Not begun. {exercises()[name].task}"


# -- the call in a lesson ----------------------------------------------------------------------


def test_a_call_prints_the_name_and_the_verdict(monkeypatch, capsys):
    monkeypatch.setattr(module, "exercises", lambda: {"square": SQUARE})
    assert exercise("square", lambda x: None) is None
    assert capsys.readouterr().out == "square. Not begun. Return the block.\n"


def test_a_name_that_no_exercise_has_is_told_a_close_one(monkeypatch):
    monkeypatch.setattr(module, "exercises", lambda: {"square": SQUARE, "softmax": SOFTMAX})
    with pytest.raises(
        ValueError, match=r"name must be that of an exercise, such as \['softmax'\]"
    ):
        exercise("softmx", SQUARE.right)
    with pytest.raises(TypeError, match="answer must be the function that you wrote; got ndarray"):
        exercise("square", P)


# -- the exercises of the lessons --------------------------------------------------------------


def asked():
    """Each exercise of a lesson: its cell, the folded solution behind it, the lesson's imports."""
    for path in sorted(lessons.LESSONS.glob("*.py")):
        cells = lessons.cells(lessons.read_lesson(path))
        setup = next(source for kind, source, _ in cells if kind == "code")
        for k, (_, source, metadata) in enumerate(cells):
            if "exercise" in metadata.get("tags", []):
                name = re.search(r'^exercise\("(.*?)", (\w+)\)$', source, re.MULTILINE)
                folded = "\n".join(
                    text for kind, text, _ in cells[k + 1 : k + 3] if kind == "markdown"
                )
                yield pytest.param(
                    name, source, folded, setup, id=f"{path.stem[:2]} {name and name[1]}"
                )


ASKED = list(asked())
each_asked = pytest.mark.parametrize(("name", "cell", "folded", "setup"), ASKED)


def run(setup, *sources):
    """The namespace after the lesson's imports and these sources."""
    space = {}
    with style():  # which a lesson sets for good
        for source in (setup, *sources):
            exec(compile(source, "<lesson>", "exec"), space)
    return space


def test_every_exercise_is_asked_in_a_lesson_once():
    assert sorted(param.values[0][1] for param in ASKED) == sorted(exercises())


@each_asked
def test_an_exercise_is_an_empty_function_and_stops_no_lesson(name, cell, folded, setup, capsys):
    run(setup, cell)
    out = capsys.readouterr().out
    assert f"{name[1]}. Not begun. {exercises()[name[1]].task}" in out


@each_asked
def test_the_folded_solution_is_right(name, cell, folded, setup):
    assert "<summary>A hint</summary>" in folded
    (solution,) = re.findall(
        r"<summary>A solution</summary>\s+```python\n(.*?)```", folded, re.DOTALL
    )
    space = run(setup, cell, solution)
    assert verdict(exercises()[name[1]], space[name[2]]).startswith("Right")


@pytest.mark.parametrize("name", exercises())
def test_each_slip_of_an_exercise_is_wrong_and_gets_its_own_sentence(name):
    one = exercises()[name]
    assert len(one.slips) >= 3
    assert verdict(one, one.right).startswith("Right")
    for sentence, slip in one.slips.items():
        words = verdict(one, slip)
        assert words.startswith("Not yet")
        assert words.endswith(sentence)
