"""Neural networks by hand: each function returns its value and the way back.

Import from the modules, for example ``from nnlib.blocks import relu``.
"""
