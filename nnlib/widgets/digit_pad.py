"""A pad in the page to draw a digit on, with mouse, finger or pen."""

from pathlib import Path

import traitlets

from nnlib.widgets.page import AnyWidget

SCALE = 10  # pixels of the pad for one of an image
SIDE = 28 * SCALE


class DigitPad(AnyWidget):
    """A square to draw on, and a button that clears it; it calls nothing outside the page.

    value   SIDE x SIDE bytes, 0 for paper, 255 for ink, set from either side.

    >>> pad = DigitPad()
    >>> pad.value = memoryview(bytes([255] * SIDE**2))   # as it comes from the browser
    >>> len(pad.value), pad
    (78400, DigitPad())
    """

    _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    description = traitlets.Unicode("draw a digit").tag(sync=True)
    side = traitlets.Int(SIDE, read_only=True).tag(sync=True)
    value = traitlets.CBytes(bytes(SIDE**2)).tag(sync=True)

    def __repr__(self) -> str:
        return "DigitPad()"
