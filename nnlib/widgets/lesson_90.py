"""The panel of the lesson on every formula."""

from typing import Any

import ipywidgets

from nnlib.documents import DOCUMENTS, lessons_on_claims
from nnlib.experiments.findings import used
from nnlib.experiments.lesson_90 import Chosen, chosen_claims, drawn_errors, tried
from nnlib.plots.lesson_90 import draw_errors
from nnlib.widgets.panel import Panel, row
from nnlib.words import counted


class ClaimsPanel(Panel):
    """Choose claims by document, verdict, lesson or words, and page through their cards.

    The picture highlights what is chosen, the line below it counts, and the slider turns the
    cards; a new choice begins with its first card.

    >>> panel = ClaimsPanel()
    >>> panel.controls["status"].value = "wrong"
    >>> " wrong. Mistakes as printed: " in panel.words.value
    True
    """

    measure = staticmethod(chosen_claims)

    def __init__(self) -> None:
        verdicts = used(tried())
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
        card = ipywidgets.IntSlider(1, 1, len(tried()), description="card")
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
                found, code = self.measure(**self.values()), self.code(**self.values())
                self.present(found, self.words.value, self.image.value, code)
            elif not self.setting:
                cards = max(1, self.measure(**filters).cards)
                self.setting, self.drawn = True, None
                card.value, card.max = 1, cards
                card.disabled = card.max == 1  # there is nothing to turn
                self.setting = False
                super().show()
                self.drawn = filters

    def draw(self, figure: Any, found: Chosen) -> str:
        title = f"{counted(found.cards, 'claim')} chosen of {found.total}"
        highlighted = found.highlighted
        draw_errors(*drawn_errors(), highlighted=highlighted, title=title, ax=figure.gca())
        return found.words

    def present(self, found: Chosen, words: str, picture: bytes, code: str) -> None:
        """As in every panel, and the card."""
        card = f"{found.card} of {found.cards}{found.claim._repr_html_()}" if found.cards else ""
        super().present(found, words, picture, code)
        self.card.value = card
