"""The panel of planted faults: bet which diagnostic sees one first, then try them in turn."""

from typing import Any

import ipywidgets

from nnlib.experiments.diagnoses import DIAGNOSTICS, Found, finding, sheet, tried
from nnlib.experiments.faults import FAULTS
from nnlib.plots.fault_table import draw_sheet
from nnlib.widgets.choices import tick
from nnlib.widgets.panel import Panel
from nnlib.words import counted

NO_BET, NOBODY = "no bet yet", "none of them"


class FaultsPanel(Panel):
    """Faults that were planted in a network, and the diagnostics that may see them.

    Choose a fault, bet which diagnostic is the first to see it, then try them from the cheapest on:
    the table fills, and remembers. It opens with its first fault tried and the next one chosen.

    encoder   whether those faults are among them that take an encoder.

    >>> panel = FaultsPanel(encoder=False)
    >>> panel.controls["bet"].value = "accuracy"
    >>> panel.controls["diagnostics"].value = 7
    >>> panel.words.value[-63:]
    'First to see it: one direction. The bet was accuracy, and lost.'
    """

    measure = staticmethod(tried)

    def __init__(self, *, encoder: bool = True) -> None:
        faults = [name for name, one in FAULTS.items() if encoder or one.network != "encoder"]
        self.bets: dict[str, str] = {faults[0]: "shapes"}
        self.opened = dict.fromkeys(faults, 0) | {faults[0]: len(DIAGNOSTICS)}
        fault = ipywidgets.Dropdown(options=faults, value=faults[1], description="fault")
        bet = ipywidgets.Dropdown(
            options=[NO_BET, *DIAGNOSTICS, NOBODY], description="first seen by"
        )
        diagnostics = ipywidgets.IntSlider(0, 0, len(DIAGNOSTICS), description="diagnostics tried")
        fault.layout.width, bet.layout.width, diagnostics.layout.width = "400px", "280px", "420px"

        def take_up(change: Any) -> None:
            """What was bet on another fault, and how far it was tried."""
            before = self.bets.get(fault.value, NO_BET), self.opened[fault.value]
            bet.value, diagnostics.value = before

        fault.observe(take_up, "value")
        bet.observe(lambda change: self.bets.update({fault.value: bet.value}), "value")
        diagnostics.observe(
            lambda change: self.opened.update({fault.value: diagnostics.value}), "value"
        )
        controls = {"fault": fault, "bet": bet, "diagnostics": diagnostics}
        controls["whole"] = tick("the whole table", False)
        margins = {"left": 0.01, "right": 0.99, "bottom": 0.01, "top": 0.93}
        super().__init__(controls, width=9.3, height=5.6, margins=margins)

    def values(self) -> dict[str, Any]:
        """The fault, and how far it has been tried."""
        fault, whole = (self.controls[name].value for name in ("fault", "whole"))
        return {"fault": fault, "diagnostics": len(DIAGNOSTICS) if whole else self.opened[fault]}

    def draw(self, figure: Any, found: Found) -> str:
        at = self.values()
        whole = self.controls["whole"].value
        opened = dict.fromkeys(self.opened, len(DIAGNOSTICS)) if whole else self.opened
        groups, tallies = sheet(opened)
        done = all(count == len(DIAGNOSTICS) for count in opened.values())
        title = finding(tallies) if done else seen_by(found)
        bets = [(fault, bet) for fault, bet in self.bets.items() if bet in DIAGNOSTICS]
        look: Any = {"chosen": at["fault"], "bets": bets, "title": title}
        draw_sheet(groups, tallies, list(DIAGNOSTICS), **look, ax=figure.gca())
        return in_words(found, self.bets.get(at["fault"], NO_BET))


def seen_by(found: Found) -> str:
    """How many of the diagnostics tried have seen the fault."""
    if not found.cells:
        return "Which diagnostic is the first to see it?"
    if not found.first:
        return f"{counted(len(found.cells), 'diagnostic')} tried, and none sees it"
    return f"First seen by: {found.first}"


def in_words(found: Found, bet: str) -> str:
    """What is wrong, what each diagnostic told, and how the bet stands."""
    told = "; ".join(f"{name}: {cell.told}" for name, cell in found.cells.items())
    ended = bool(found.first) or len(found.cells) == len(DIAGNOSTICS)
    said = [found.words]
    if told:
        last = list(found.cells)[-1]
        rule = f"By its rule, {last} sees a fault if {DIAGNOSTICS[last].rule}."
        said += [f"{told[0].upper()}{told[1:]}.", rule]
    if not ended:
        ask = "Bet: which diagnostic, from the left, is the first to see it?"
        return " ".join([*said, ask if bet == NO_BET else f"The bet is {bet}."])
    first = found.first or NOBODY
    said.append(f"First to see it: {first}.")
    if bet != NO_BET:
        said.append(f"The bet was {bet}, and {'won' if bet == first else 'lost'}.")
    return " ".join(said)
