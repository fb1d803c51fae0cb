"""Panels: controls that move one picture. They hold no mathematics."""
