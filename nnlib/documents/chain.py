"""A slip and all that follows from it, told line by line."""

from nnlib.documents import claim, slips
from nnlib.documents.card import badge, math_text
from nnlib.documents.claims import Claim


class Chain:
    """A slip with what is wrong in it, and what carries it on, each line below what it follows.

    Errors   ValueError for an id that is none.

    >>> print(Chain("C2-B3"))
    C2-B3: scores for probabilities in the Jacobian of softmax
      nothing follows from it
    """

    def __init__(self, id: str) -> None:
        self.lines = list(slips.chain(claim(id).claim))

    def __repr__(self) -> str:
        lines = [f"{'  ' * steps}{one.id}: {what(one)}" for one, steps in self.lines]
        return "\n".join(lines if len(lines) > 1 else [*lines, "  nothing follows from it"])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<div style='margin:.3em 0 .3em {2 * steps}em'>{'↳ ' if steps else ''}{badge(one)} "
            f"<code>{one.id}</code> {math_text(what(one))}</div>"
            for one, steps in self.lines
        )
        alone = "" if len(self.lines) > 1 else "<div>Nothing follows from it.</div>"
        return f"<div style='max-width:52em;margin:.6em 0'>{rows}{alone}</div>"


def what(one: Claim) -> str:
    """What is wrong in a line, or what it states."""
    return "; ".join(one.slips) or one.stated
