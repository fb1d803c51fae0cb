"""What every picture of the course must be, wherever it is tested."""

from matplotlib.text import Text


def assert_legible(figure):
    """No text below 12 points: it is read from the back row."""
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= 12
