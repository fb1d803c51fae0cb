"""The race on a canvas in the page: it plays there at the screen's own pace, without the kernel."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import traitlets

from nnlib.widgets.page import AnyWidget

FILES = "race_draw.js", "race_canvas.js"


class RaceCanvas(AnyWidget):
    """Map, curve and view of a race, with play, pause, step and scrub; it calls nothing outside.

    scene, tracks   what is drawn and the runs, as ``plots.race`` gives them.
    ground, inset   PNGs under the map and under a view that is a picture; empty for none.
    start           (x, y), set from either side: by a click, a finger or the arrow keys.
    value           the step that is shown, told to the kernel when the race rests.

    >>> canvas = RaceCanvas()
    >>> canvas.value = 12
    >>> canvas
    RaceCanvas()
    """

    _esm = "\n".join(Path(__file__).with_name(name).read_text("utf-8") for name in FILES)
    scene = traitlets.Dict().tag(sync=True)
    tracks = traitlets.CBytes(b"").tag(sync=True)
    ground = traitlets.CBytes(b"").tag(sync=True)
    inset = traitlets.CBytes(b"").tag(sync=True)
    start = traitlets.List(traitlets.Float(), [0.0, 0.0], minlen=2, maxlen=2).tag(sync=True)
    value = traitlets.Int(0).tag(sync=True)
    min = 0

    @property
    def max(self) -> int:
        """The last step."""
        return self.scene.get("last", 0)

    def put(self, **traits: Any) -> None:
        """Set several traits in one message: tracks of one scene fit no other."""
        together = self.hold_sync if hasattr(self, "hold_sync") else nullcontext
        with together():
            for name, value in traits.items():
                setattr(self, name, value)

    def __repr__(self) -> str:
        return "RaceCanvas()"
