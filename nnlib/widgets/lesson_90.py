"""The panel of the lesson on every formula."""

from typing import Any

import ipywidgets
import numpy as np

from nnlib.documents import DOCUMENTS, claim, claims, lessons_on_claims
from nnlib.documents.verdicts import VERDICTS
from nnlib.experiments.findings import chosen, findings, used
from nnlib.experiments.lesson_90 import in_words
from nnlib.plots.lesson_90 import draw_errors
from nnlib.widgets.panel import Panel, row
from nnlib.words import counted

CODE = """\
from nnlib.documents import claim, claims
from nnlib.experiments.findings import chosen, findings
from nnlib.experiments.lesson_90 import in_words

found = chosen(findings(claims().values()), {filters})
print(in_words(found))
"""
CARD = "print(claim(found[{index}].id))\n"


class ClaimsPanel(Panel):
    """Choose claims by document, verdict, lesson or words, and page through their cards.

    The picture highlights what is chosen, the line below it counts, and the slider turns the
    cards; a new choice begins with its first card.

    >>> panel = ClaimsPanel()
    >>> panel.controls["status"].value = "wrong"
    >>> " wrong. Mistakes as printed: " in panel.words.value
    True
    """

    def __init__(self) -> None:
        self.found = findings(claims().values())
        verdicts = used(self.found)
        titles = [(f"{d.letter} · {d.title}", d.letter) for d in DOCUMENTS]
        lessons = lessons_on_claims()
        menus = {
            "document": ipywidgets.Dropdown(options=[("all", ""), *titles]),
            "status": ipywidgets.Dropdown(options=[("all", ""), *zip(verdicts, verdicts)]),
            "lesson": ipywidgets.Dropdown(options=[("all", ""), *zip(lessons, lessons)]),
        }
        menus["status"].description = "verdict"
        for name, menu in menus.items():
            menu.description = menu.description or name
            menu.layout.width = "520px" if name == "document" else "190px"
        words = ipywidgets.Text(placeholder="softmax, dW, ...", description="containing")
        words.continuous_update = False
        card = ipywidgets.IntSlider(1, 1, len(self.found), description="card")
        card.layout.width = "600px"
        self.drawn: dict[str, Any] | None = None  # the filters that the picture is of
        self.setting = False  # whether the slider is being set to a new choice
        self.card = ipywidgets.HTMLMath().add_class("nnlib-card")
        controls = {**menus, "containing": words, "card": card}
        margins = {"left": 0.135, "right": 0.99, "bottom": 0.21, "top": 0.9}
        super().__init__(controls, width=9, height=4, margins=margins)

    def layout(self) -> Any:
        """As in every panel, with the cards and their slider between the words and the code."""
        _, *rest, folded = super().layout().children
        *menus, card = self.controls.values()
        return ipywidgets.VBox([row(*menus), *rest, row(card), self.card, folded])

    def show(self) -> None:
        """As in every panel; turning the cards leaves the picture as it is.

        A new choice gives the slider a step for each card and goes back to the first.
        """
        with self.lock:
            card, filters = self.controls["card"], self.values()
            filters.pop("card")
            if filters == self.drawn:
                self.card.value = self.card_of(**self.values())
                self.as_code.value = self.code(**self.values())
            elif not self.setting:
                self.setting, self.drawn = True, None
                card.value, card.max = 1, max(1, len(chosen(self.found, **filters)))
                card.disabled = card.max == 1  # there is nothing to turn
                self.setting = False
                super().show()
                self.drawn = filters

    def card_of(self, card: int, **filters: Any) -> str:
        """The card with this number among the claims chosen, as HTML."""
        found = chosen(self.found, **filters)
        if not found:
            return ""
        return f"{card} of {len(found)}{claim(found[card - 1].id)._repr_html_()}"

    def draw(self, figure: Any, card: int, **filters: Any) -> str:
        found = chosen(self.found, **filters)
        ids = {one.id for one in found}
        drawn = [one for one in self.found if VERDICTS[one.status].marker]
        draw_errors(
            np.array([one.printed for one in drawn]),
            np.array([one.corrected for one in drawn]),
            [one.status for one in drawn],
            highlighted=np.array([one.id in ids for one in drawn]),
            title=f"{counted(len(found), 'claim')} chosen of {len(self.found)}",
            ax=figure.gca(),
        )
        self.card.value = self.card_of(card, **filters)
        return in_words(found)

    def code(self, card: int, **filters: Any) -> str:
        given = {name: value for name, value in filters.items() if value}
        lines = CODE.format(filters=", ".join(f"{k}={v!r}" for k, v in given.items()))
        some = chosen(self.found, **filters)
        return lines.replace(", )", ")") + (CARD.format(index=card - 1) if some else "")
