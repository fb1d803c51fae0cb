"""Numbers in words: one unit and two units, a minus that is one, no exponent of a computer's."""

import re
from math import isfinite

SIGNS = dict(
    zip(
        "top odot alpha beta sigma delta sum sqrt le ne partial prime lvert rvert".split(),
        "ᵀ⊙αβσδΣ√≤≠∂′||",
    )
)
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def counted(n: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "unit"), counted(2, "unit"), counted(3, "batch")
    ('1 unit', '2 units', '3 batches')
    """
    plural = f"{thing}es" if thing.endswith(("s", "x", "ch", "sh")) else f"{thing}s"
    return f"{n} {thing if n == 1 else plural}"


def short(x: float, digits: int = 2) -> str:
    """A number to so many digits: written out, or a power of ten where that is long.

    >>> short(0.25), short(-3e-7), short(1234.5), short(10.4), short(1e-6), short(0.00247)
    ('0.25', '−3·10⁻⁷', '1234', '10', '10⁻⁶', '0.0025')
    """
    if not isfinite(x):
        return minus(f"{x}")
    text = f"{x:.{digits}g}" if abs(x) < 10**digits else f"{x:.0f}"
    if x == 0 or 1e-3 <= abs(float(text)) < 1e5:
        return minus(f"{float(text):.12f}".rstrip("0").rstrip("."))
    leading, power = f"{x:.{digits - 2}e}".split("e")
    times = "" if leading == "1" else f"{leading}·"
    return minus(f"{times}10{str(int(power)).translate(RAISED)}")


def minus(text: str) -> str:
    """The text with a minus sign, as the ticks of a picture have it, before every negative number.

    >>> minus("at (-6, 3e-7) of A-3"), minus("-0.5")
    ('at (−6, 3e-7) of A-3', '−0.5')
    """
    return re.sub(r"(?<![\w.−-])-(?=\.?\d|inf)", "−", text)


def two_decimals(x: float) -> str:
    """A number with two decimals, or none when it is large.

    >>> two_decimals(3.14159), two_decimals(1234.5), two_decimals(-0.001)
    ('3.14', '1234', '0.00')
    """
    text = f"{x:.0f}" if abs(x) >= 100 else f"{x:.2f}"
    return text.removeprefix("-") if float(text) == 0 else minus(text)


def plain(text: str) -> str:
    r"""Text with its formulas in letters and signs, for a menu, where none are set.

    >>> plain(r"$((z-y)W_2^\top)^\top$ in $\beta$, of $h_{pre_2}$")
    '((z-y)W_2ᵀ)ᵀ in β, of h_pre_2'
    >>> plain(r"$-\ln p$")
    '-ln p'
    """
    named = re.sub(
        r"\\([a-zA-Z]+)( ?)", lambda match: SIGNS.get(match[1], match[1] + match[2]), text
    )
    return re.sub(r"[${}\\]|\^(?=ᵀ)", "", named)
