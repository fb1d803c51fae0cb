"""Fills matplotlib's font cache before a notebook can, for what it says then would be an output."""

import matplotlib.font_manager  # noqa: F401
