"""How steep a function is along a line, how much of that can be seen, and what a pullback says.

A central difference D(h) = (f(t + h) - f(t - h)) / 2h knows a slope but for truncation, which grows
like h², and for the rounding of f, which grows like 1/h. Two steps show the first, the size of the
value bounds the second: together they bracket the slope, and a pullback outside of it is wrong.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nnlib.checks import Array

STEP = 1e-6  # of a first look, for what is no larger than 1; what is larger moves in proportion
WIDEN = 8.0  # from each further step to the next
NEAR, FAR = 0.1, 1e6  # how wide a step may be that speaks against a pullback, or for one
ROUNDING = 4 * float(np.finfo(float).eps)  # of a value, relative to its size
SEEN = 20  # times the blur: a slope of which a twentieth can be told
SMALL = 1e-6  # a slope that a value shows, unless it is too large
LEAVES = (ValueError, ArithmeticError)  # what f may raise where a wide step leaves its domain


class Line(NamedTuple):
    """A straight way through a point, the slope along it that is claimed, and the value there."""

    name: str
    claimed: float
    size: float  # of what moves, 1 at least
    at: Callable[[float], tuple[float, Array]]  # t -> how far that really is, and the value there


class Bracket(NamedTuple):
    """A slope, by how much it may be off, and by how much its two sides differ."""

    slope: float
    blur: float
    jump: float = 0.0


class Slopes:
    """The slopes of ``dy · value`` along lines through a point, beside those that are claimed.

    y      the value at the point
    dy     what weighs the value's entries
    unit   the size that rounding inside the function refers to, when its value is smaller
    """

    def __init__(self, where: str, y: Array, dy: Array, unit: float, tol: float) -> None:
        self.where, self.y, self.dy, self.unit, self.tol = where, y, dy, unit, tol
        self.size = unit + np.abs(y)
        self.floor = ROUNDING * unit * length(dy)  # below it, a pullback is rounding itself

    def worst(self, what: str, lines: Iterator[Line]) -> float:
        """The largest error of these lines; AssertionError when it exceeds tol or none is seen."""
        worst, wrong, seen, hidden, tiny = 0.0, None, 0, 0, []
        for line in lines:
            bracket = self.look(line)
            error = self.error(line, bracket)
            if not error <= self.tol and (wrong is None or not error <= worst):
                wrong = line, bracket
            worst = worst if error <= worst else error
            if self.sees(line, bracket):
                seen += 1
            elif max(abs(line.claimed), abs(bracket.slope)) > SMALL * self.floor / ROUNDING:
                hidden += 1
            else:
                tiny.append(line)
        if wrong is not None:
            self.raise_for_wrong(*wrong, worst)
        if not seen and (hidden or any(self.saturated(line) for line in tiny)):
            raise AssertionError(
                f"{self.where}: {what} is too small to be checked here: the rounding of the value "
                "hides it. Scale the input, or check at another point."
            )
        return worst

    def error(self, line: Line, bracket: Bracket) -> float:
        """How far the claim is off, relative to the slope, or to as much as the blur lets be told.

        A gap that nothing explains is more than tol.
        """
        gap = abs(line.claimed - bracket.slope)
        room = max(self.tol * abs(bracket.slope), bracket.blur, self.floor)
        if gap <= room:
            return self.tol * gap / room if gap else 0.0
        return gap / abs(bracket.slope) if bracket.slope else math.inf

    def look(self, line: Line) -> Bracket:
        """The slope as the first step shows it, or as wider ones do where that is too blurred."""
        first = self.difference(line, STEP * line.size)
        if not math.isfinite(first.slope):
            raise AssertionError(
                f"{self.where}: the value is NaN or infinite at a step of {STEP * line.size:.0e} "
                "from the point: it sits on the edge of where the function is defined."
            )
        still = first.slope == 0 and abs(line.claimed) <= self.floor
        if still or (self.sees(line, first) and self.error(line, first) <= self.tol):
            return first
        bracket = self.bracket(line, NEAR) or first
        if self.sees(line, bracket) or not self.error(line, bracket) <= self.tol:
            return bracket
        wide = self.bracket(line, FAR)  # as far as a line is straight; a corner proves nothing
        return wide if wide and self.error(line, wide) <= self.tol else bracket

    def sees(self, line: Line, bracket: Bracket) -> bool:
        """Whether a twentieth of the slope would be told."""
        largest = max(abs(line.claimed), abs(bracket.slope))
        return largest > SEEN * max(bracket.blur, self.floor)

    def bracket(self, line: Line, reach: float) -> Bracket | None:
        """The slope that lies within the brackets of all steps, up to one that meets a corner."""
        low, high = -math.inf, math.inf
        for near, wide in pairwise(self.widening(line, reach)):
            change = wide.slope - near.slope
            straight = abs(change) <= 0.05 * abs(near.slope)  # as truncation is that goes like h²
            slope = near.slope - change / (WIDEN**2 - 1)
            blur = near.blur + abs(change) * (2 / (WIDEN**2 - 1) if straight else 4)
            corner = near.jump > 0.3 * wide.jump + 4 * near.blur
            bent = not straight and abs(change) > 4 * (near.blur + wide.blur)  # how far, who knows
            if corner or bent or slope - blur > high or slope + blur < low:
                break
            low, high = max(low, slope - blur), min(high, slope + blur)
        return Bracket((low + high) / 2, (high - low) / 2) if low > -math.inf else None

    def widening(self, line: Line, reach: float) -> Iterator[Bracket]:
        """Differences of wider and wider steps, while the function is defined so far out."""
        step = max(STEP, 64 * float(np.spacing(line.size)))
        while step <= reach * line.size:
            try:
                difference = self.difference(line, step)
            except LEAVES:
                return
            if not math.isfinite(difference.slope):
                return
            yield difference
            step *= WIDEN

    def difference(self, line: Line, step: float) -> Bracket:
        """The central difference of one step, and how much the rounding of its values blurs it."""
        (ahead, up), (behind, down) = line.at(step), line.at(-step)
        slopes = (up - down) / (ahead - behind)
        sizes = self.unit + np.maximum(np.abs(up), np.abs(down)) + line.size * np.abs(slopes)
        jump = abs(float(np.vdot(self.dy, up - self.y + (down - self.y)))) / step
        return Bracket(
            float(np.vdot(self.dy, slopes)), ROUNDING / step * length(self.dy * sizes), jump
        )

    def saturated(self, line: Line) -> bool:
        """Whether the value stands still only because rounding hides how little it would move.

        Where it does not depend on the line it stands still for ever, unless it is too large to
        show a small slope. Behind a corner it moves in proportion, beside a minimum as a power of
        the way. In a tail, as a sigmoid's, it first moves by some units in its last place, and soon
        by a hundred times as much on four times the way.
        """
        near, far = STEP * line.size, 32 * line.size
        try:
            first, moved = self.first_move(line, near * 2.0 ** np.arange(26))
            if not moved:
                return ROUNDING * float(self.size.max()) / far > SMALL * self.unit
            step, moved = self.first_move(line, np.geomspace(first / 2, first, 16))
            moves = [
                self.moved(line, step * 4.0**k) for k in range(1 + int(math.log(far / step, 4)))
            ]
        except LEAVES:
            return False
        steepens = any(after > 100 * before for before, after in pairwise(moves))
        return first > near and moved <= 1e-10 and steepens

    def first_move(self, line: Line, steps: Array) -> tuple[float, float]:
        """The first of these steps within which the value is seen to move, and by how much."""
        for step in steps.tolist():
            moved = self.moved(line, step)
            if moved > ROUNDING:
                return step, moved
        return step, 0.0

    def moved(self, line: Line, step: float) -> float:
        """By how much the value moves within a step, relative to its size."""
        moves = [np.abs(line.at(t)[1] - self.y) / self.size for t in (step, -step)]
        return float(np.max(moves, initial=0.0))

    def raise_for_wrong(self, line: Line, bracket: Bracket, error: float) -> None:
        """Show both slopes, and say so when one of them is no number or a corner lies near by."""
        raise AssertionError(
            f"{self.where}: wrong gradient {line.name}: pullback {line.claimed:.6g}, central "
            f"difference {bracket.slope:.6g}, for a dL/dy drawn at random; scaled error "
            f"{error:.2g} > {self.tol:.0e}.{self.corner(line)}"
        )

    def corner(self, line: Line) -> str:
        """A word about NaN, or about a corner near by: the slopes from left and right differ."""
        if not math.isfinite(line.claimed):
            return f" The pullback gives {'NaN' if math.isnan(line.claimed) else 'infinity'}."
        step = STEP * line.size
        (left, right), far = self.sides(line, step), self.sides(line, 8 * step)
        jump, smooth = abs(right - left), abs(far[1] - far[0]) / 8
        blur = self.difference(line, step).blur
        if jump <= 1e-3 * max(abs(left), abs(right)) + 4 * blur or abs(jump - smooth) < 0.1 * jump:
            return ""  # where there is no corner, the two sides differ in proportion to the step
        return (
            f" The slope is {left:.4g} from the left and {right:.4g} from the right: a kink or a "
            f"jump lies within {step:.0e} of the point. Check at a generic point."
        )

    def sides(self, line: Line, step: float) -> tuple[float, float]:
        """The slopes from the left and from the right."""
        slopes = [(y - self.y) / t for t, y in (line.at(-step), line.at(step))]
        return float(np.vdot(self.dy, slopes[0])), float(np.vdot(self.dy, slopes[1]))


def length(v: Array) -> float:
    """The Euclidean length of an array, whose squares may be too large or too small to add up."""
    largest = float(np.abs(v).max(initial=0))
    return largest * math.sqrt(np.vdot(v / largest, v / largest)) if largest else 0.0
