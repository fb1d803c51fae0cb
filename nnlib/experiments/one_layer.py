"""Document C's one-layer encoder: its printed gradients, one by one."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nnlib.calculus import complex_step
from nnlib.checks import Array
from nnlib.documents import claims
from nnlib.documents.analytic import softmax
from nnlib.documents.c_encoder_backward import plus, times
from nnlib.documents.c_encoder_corrected import Backward, gradient
from nnlib.documents.c_encoder_forward import CLASSES, forward
from nnlib.documents.card import error_in_words

# -- The twelve lines ------------------------------------------------------------------------------

LINES = {  # the claim of each printed line, and the suspects in it by their numbers
    "(1) dW2": ("C2-B1", "1 2"),
    "(2) dWv": ("C2-B2", "1 2"),
    "(3) α": ("C2-B3", "3"),
    "(4) α": ("C2-B3", "3"),
    "(5) α": ("C2-B5", "3"),
    "(6) dWk": ("C2-B6", "1 2 3 4 5"),
    "(7) dWk": ("C2-B7", "1 2 3 4 5"),
    "(8) dWq": ("C2-B8", "1 2 3 4"),
    "(9) dWq": ("C2-B9", "1 2 3 4"),
    "(10) β": ("C2-B10", "6"),
    "(11) dcls": ("C2-B11", "1 2 3 4 6 7"),
    "(12) dW1": ("C2-B12", "1 2 3 4 6 7 8"),
}


def how_a_line_fails(line: str) -> str:
    """Which sizes do not fit in a printed line, or how far off it is; one draw of numbers.

    The line that says what α is to be is right as it stands.

    >>> how_a_line_fails("(7) dWk"), how_a_line_fails("(1) dW2").split()[0]
    ('6 × 5 times 6 × 1 does not exist', 'off')
    """
    claim = claims()[LINES[line][0]]
    if claim.status == "ok":
        return "right, as a definition"
    misfit = refusal(claim.printed)  # type: ignore[arg-type]  # these lines have a printed form
    return misfit or f"off by {error_in_words(claim.check(np.random.default_rng(0)).printed)}"


def refusal(form: Callable[[], object]) -> str:
    """Which sizes do not fit when a form is computed; nothing when all do.

    >>> refusal(lambda: times(np.ones((1, 2)), np.ones((3, 4)))), refusal(lambda: 1)
    ('1 × 2 times 3 × 4 does not exist', '')
    """
    try:
        form()
    except ValueError as error:
        return f"{error} does not exist"
    return ""


# -- The ways to the loss --------------------------------------------------------------------------


def arrivals(net: dict[str, Array], c: float = 1.0, kappa: float = 1 / CLASSES) -> dict[str, Array]:
    """What comes back to the rows h_pre2 by each way: as queries, keys, values and residual.

    Each way is given rows of its own, and the loss is differentiated by these: complex steps.

    >>> from nnlib.documents.c_encoder_forward import draw
    >>> found = arrivals(draw(np.random.default_rng(0)))
    >>> found["queries"].shape, np.abs(found["queries"][:-1]).max()
    ((5, 6), np.float64(0.0))
    """
    _, h_pre2, *_ = forward(net, c)

    def loss(queries: Array, keys: Array, values: Array, residual: Array) -> Array:
        S = softmax(c * (queries @ net["Wq"]) @ (keys @ net["Wk"]).T)
        z = (S @ values @ net["Wv"] + residual)[-1] @ net["W2"]
        return kappa * (np.log(np.exp(z).sum()) - net["y"][0] @ z)

    ways = dict.fromkeys(("queries", "keys", "values", "residual"), h_pre2)
    by = lambda way: complex_step(lambda rows: loss(**ways | {way: rows}), h_pre2)
    return {way: by(way) for way in ways}


# -- The suspects ----------------------------------------------------------------------------------
#
# Each is the backward pass that holds with one step exchanged.


class LogitsForProbabilities(Backward):
    """z for s in the error at the output."""

    @property
    def delta(self) -> Array:
        return self.kappa * (self.z - self.y)


class LossUndivided(Backward):
    """The 1/K of the loss forgotten."""

    @property
    def delta(self) -> Array:
        return self.y.shape[-1] * super().delta


class ScoresForProbabilities(Backward):
    """Raw scores in the second term of softmax's Jacobian."""

    @property
    def alpha(self) -> Array:
        scores = self.Q_cls @ self.K.mT
        return np.eye(scores.shape[-1]) * self.S_cls - scores.mT @ scores


class SurplusTranspose(Backward):
    """(g') V' α for g V' α."""

    @property
    def u(self) -> Array:
        return self.c * times(self.g.mT, self.V.mT, self.alpha)


class QueryBeforeRows(Backward):
    """(u' Q h)' for (Q' u h)'."""

    def dWk(self) -> Array:
        return times(self.u.mT, self.Q_cls, self.h_pre2).mT


class BetaAsPrinted(Backward):
    """W_q K' for K W_q', and a row added to a matrix."""

    @property
    def beta(self) -> Array:
        return plus(self.Q_cls @ self.Wk.T, self.Wq @ self.K.mT)


class KeyInEveryRow(Backward):
    """Put right until it runs: NumPy adds the row to every row."""

    @property
    def beta(self) -> Array:
        return self.K @ self.Wq.T + self.Q_cls @ self.Wk.T


class ClassTokenAsPrinted(Backward):
    """The row of weights for its last entry; α β V for V' α β."""

    def dcls(self) -> Array:
        return times(self.g, times(self.S_cls, self.Wv) + times(self.alpha, self.beta, self.V) + 1)


class WholeRow(Backward):
    """Put right until it runs: the whole row, which sums to 1, and W_v as it stands."""

    def dcls(self) -> Array:
        return self.g + self.g @ self.Wv + self.u @ self.beta


class PathsOfTheClassToken(Backward):
    """The tokens are given a query and a residual, which only the class token has."""

    def dW1(self) -> Array:
        own = (self.by_values() + self.by_keys())[..., :-1, :]
        return self.h0.mT @ (own + self.g + self.u @ self.K @ self.Wq.T)


class Suspect(NamedTuple):
    """One of the independent slips.

    what       it does, in words.
    printed    the backward pass with this slip as it is printed.
    repaired   the same, put right until it runs; None where it is then right altogether.
    """

    what: str
    printed: type[Backward]
    repaired: type[Backward] | None


SUSPECTS = {
    1: Suspect("z for s", LogitsForProbabilities, LogitsForProbabilities),
    2: Suspect("1/K lost", LossUndivided, LossUndivided),
    3: Suspect("scores for probabilities", ScoresForProbabilities, ScoresForProbabilities),
    4: Suspect("a transpose too many", SurplusTranspose, None),
    5: Suspect("Q before h", QueryBeforeRows, None),
    6: Suspect("the key in every row", BetaAsPrinted, KeyInEveryRow),
    7: Suspect("a row for its entry", ClassTokenAsPrinted, WholeRow),
    8: Suspect("tokens with query and residual", PathsOfTheClassToken, PathsOfTheClassToken),
}


class Everything(
    LossUndivided,
    LogitsForProbabilities,
    ScoresForProbabilities,
    KeyInEveryRow,
    WholeRow,
    PathsOfTheClassToken,
):
    """All slips at once, put right until they run."""


ARMS = {"what holds": Backward}  # what can be trained
ARMS |= {one.what: one.repaired for one in SUSPECTS.values() if one.repaired}
ARMS |= {"all at once": Everything}


def largest_error(
    net: dict[str, Array], c: float, kappa: float, backward: type[Backward] = Backward
) -> float:
    """How far the gradients are off, as a share of the largest true entry: the worst parameter's.

    The truth is that of complex steps through the loss.

    >>> from nnlib.documents.c_encoder_forward import draw
    >>> largest_error(draw(np.random.default_rng(0)), 1.0, 1.0) < 1e-12
    True
    """
    errors = []
    for name, found in backward(net, c, kappa).gradients().items():
        due = gradient(net, name, c=c, kappa=kappa)
        errors.append(np.abs(found - due).max() / np.abs(due).max())
    return float(max(errors))
