"""The panel of the lesson on every formula."""

from textwrap import shorten
from typing import Any

import ipywidgets

from nnlib.documents import DOCUMENTS, lessons_on_claims
from nnlib.experiments.findings import used
from nnlib.experiments.lesson_90 import Chosen, begun, chosen_claims, drawn_errors, tried
from nnlib.plots.lesson_90 import draw_errors
from nnlib.widgets.panel import Panel, row
from nnlib.words import counted

WIDTHS = {"document": "520px", "slip": "800px"}  # of menus that are wider than the others
LONGEST = 100  # letters of a slip in its menu; all of them stand below its card


class ClaimsPanel(Panel):
    """Choose claims by document, verdict, lesson, slip or words, and page through their cards.

    The picture highlights what is chosen, the line below it counts, and the slider turns the
    cards; a new choice begins with its first card. To a slip belongs all that follows from it; the
    whole chain stands below each card that is part of one.

    >>> panel = ClaimsPanel()
    >>> panel.controls["status"].value = "wrong"
    >>> " wrong. " in panel.words.value
    True
    """

    measure = staticmethod(chosen_claims)

    def __init__(self) -> None:
        verdicts = used(tried())
        titles = [(f"{d.letter} · {d.title}", d.letter) for d in DOCUMENTS]
        lessons = lessons_on_claims()
        chains = [(shorten(f"{id} · {words}", LONGEST), id) for id, words in begun().items()]
        menus = {
            "document": ipywidgets.Dropdown(options=[("all", ""), *titles]),
            "status": ipywidgets.Dropdown(options=[("all", ""), *zip(verdicts, verdicts)]),
            "lesson": ipywidgets.Dropdown(options=[("all", ""), *zip(lessons, lessons)]),
            "slip": ipywidgets.Dropdown(options=[("all", ""), *chains]),
        }
        menus["status"].description = "verdict"
        for name, menu in menus.items():
            menu.description = menu.description or name
            menu.layout.width = WIDTHS.get(name, "190px")
        words = ipywidgets.Text(placeholder="softmax, dW, ...", description="containing")
        words.continuous_update = False
        card = ipywidgets.IntSlider(1, 1, len(tried()), description="card")
        card.layout.width = "600px"
        self.drawn: dict[str, Any] | None = None  # the filters that the picture is of
        self.setting = False  # whether the slider is being set to a new choice
        self.card = ipywidgets.HTMLMath().add_class("nnlib-card")
        controls = {**menus, "containing": words, "card": card}
        margins = {"left": 0.04, "right": 0.99, "bottom": 0.24, "top": 0.9}
        super().__init__(controls, width=9, height=4, margins=margins)

    def layout(self) -> Any:
        """As in every panel, with the cards and their slider between the words and the code."""
        _, *rest, folded = super().layout().children
        *menus, card = self.controls.values()
        return ipywidgets.VBox([row(*menus), *rest, row(card), self.card, folded])

    def show(self, *, rough: bool = False) -> None:
        """As in every panel; turning the cards leaves the picture as it is."""
        with self.lock:
            values = self.values()
            filters = {name: value for name, value in values.items() if name != "card"}
            if self.setting:
                return
            if filters != self.drawn:
                self.begin_anew(filters)
            if filters != self.drawn or self.rough > rough:
                self.drawn = None
                super().show(rough=rough)
                self.drawn = filters
            else:
                found, code = self.measure(**values), self.code(**values)
                self.present(found, self.words.value, self.image.value, code)

    def begin_anew(self, filters: dict[str, Any]) -> None:
        """Give the slider a step for each card of a new choice, and go back to the first."""
        card, cards = self.controls["card"], max(1, self.measure(**filters).cards)
        self.setting = True
        card.value, card.max = 1, cards
        card.disabled = card.max == 1  # there is nothing to turn
        self.setting = False

    def draw(self, figure: Any, found: Chosen) -> str:
        title = f"{counted(found.cards, 'claim')} chosen of {found.total}"
        highlighted = found.highlighted
        draw_errors(*drawn_errors(), highlighted=highlighted, title=title, ax=figure.gca())
        return found.words

    def present(self, found: Chosen, words: str, picture: bytes, code: str) -> None:
        """As in every panel, and the card with its chain."""
        card = f"{found.card} of {found.cards}{found.claim._repr_html_()}" if found.claim else ""
        super().present(found, words, picture, code)
        self.card.value = card + (found.chain._repr_html_() if found.chain else "")
