"""Functions of numbers that give what Spark's give to the last bit, a row at a time.

Spark computes ``exp`` and the logarithms by Java's StrictMath, which is fdlibm; the C library of a
machine may differ in the last bit. So they are written here as fdlibm 5.3 has them
(https://www.netlib.org/fdlibm, e_exp.c, e_log.c, e_log10.c), and rounding as Java's BigDecimal does.
"""

from __future__ import annotations

import math
import struct
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ONE_BY_LN2 = 1.44269504088896338700e00
_EXP = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
_LOG = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_ONE_BY_LN10 = 4.34294481903251816668e-01
_LOG10_OF_2_HIGH, _LOG10_OF_2_LOW = 3.01029995663611771306e-01, 3.69423907715893078616e-13
_EXP_OVERFLOWS, _EXP_VANISHES = 7.09782712893383973096e02, -7.45133219101941108420e02
_HALF_LN2, _THREE_HALVES_LN2, _TINY, _LEAST_NORMAL = 0x3FD62E42, 0x3FF0A2B2, 0x3E300000, 0x00100000
"""The upper halves of these doubles; tiny is 2⁻²⁸."""
_MOST_DIGITS = 15
"""So many digits of a double are told alike by every library."""
_BEYOND = 1e15


def exp(x: float) -> float:
    """The exponential."""
    if x != x or x > _EXP_OVERFLOWS:  # noqa: PLR0124 -- a NaN
        return x if x != x else math.inf  # noqa: PLR0124
    if x < _EXP_VANISHES:
        return 0.0
    size, high, low, power = _high(x) & 0x7FFFFFFF, x, 0.0, 0
    if size > _HALF_LN2:
        is_near = size < _THREE_HALVES_LN2
        power = int(math.copysign(1, x)) if is_near else int(_ONE_BY_LN2 * x + math.copysign(0.5, x))
        high, low = x - power * _LN2_HIGH, power * _LN2_LOW
        x = high - low
    elif size < _TINY:
        return 1.0 + x
    square = x * x
    p1, p2, p3, p4, p5 = _EXP
    c = x - square * (p1 + square * (p2 + square * (p3 + square * (p4 + square * p5))))
    if power == 0:
        return 1.0 - ((x * c) / (c - 2.0) - x)
    return math.ldexp(1.0 - ((low - (x * c) / (2.0 - c)) - high), power)


def log(x: float) -> float | None:
    """The natural logarithm; null of what has none."""
    if x <= 0:
        return None
    if not math.isfinite(x):
        return x
    x, power = _normal(x)
    high = _high(x)
    power += (high >> 20) - 1023
    high &= 0x000FFFFF
    carry = (high + 0x95F64) & 0x100000
    power += carry >> 20
    f = _with_high(x, high | (carry ^ 0x3FF00000)) - 1.0
    if (0x000FFFFF & (2 + high)) < 3:  # noqa: PLR2004 -- close to a power of 2
        if f == 0:
            return power * _LN2_HIGH + power * _LN2_LOW if power else 0.0
        r = f * f * (0.5 - 0.33333333333333333 * f)
        return power * _LN2_HIGH - ((r - power * _LN2_LOW) - f) if power else f - r
    return _log_of(f, power, high)


def _log_of(f: float, power: int, high: int) -> float:
    g1, g2, g3, g4, g5, g6, g7 = _LOG
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    r = z * (g1 + w * (g3 + w * (g5 + w * g7))) + w * (g2 + w * (g4 + w * g6))
    if (high - 0x6147A) | (0x6B851 - high) > 0:
        half = 0.5 * f * f
        if power == 0:
            return f - (half - s * (half + r))
        return power * _LN2_HIGH - ((half - (s * (half + r) + power * _LN2_LOW)) - f)
    if power == 0:
        return f - s * (f - r)
    return power * _LN2_HIGH - ((s * (f - r) - power * _LN2_LOW) - f)


def log10(x: float) -> float | None:
    """The decimal logarithm."""
    if x <= 0:
        return None
    if not math.isfinite(x):
        return x
    x, power = _normal(x)
    high = _high(x)
    power += (high >> 20) - 1023
    is_below = int(power < 0)
    y = float(power + is_below)
    mantissa = log(_with_high(x, (high & 0x000FFFFF) | ((0x3FF - is_below) << 20)))
    return (y * _LOG10_OF_2_LOW + _ONE_BY_LN10 * (mantissa or 0.0)) + y * _LOG10_OF_2_HIGH


def log2(x: float) -> float | None:
    """The logarithm to base 2."""
    natural = log(x)
    return None if natural is None else natural / (log(2.0) or math.nan)


def power(x: float, y: float) -> float:
    """Those that Java computes without a logarithm."""
    if y == 0:
        return 1.0
    if y in (1, 2):
        return x if y == 1 else x * x
    _expect(y == 0.5 and math.isfinite(x) and x >= 0)  # noqa: PLR2004 -- the square root
    return math.sqrt(x + 0.0)


def sign(x: float) -> float:
    """-1, 0 or 1."""
    return math.copysign(1.0, x) if x < 0 or x > 0 else x


def rounded(x: float, scale: int = 0) -> float:
    """Half up, of the decimal that the double is written as."""
    return _rounded(x, scale, ROUND_HALF_UP)


def rounded_half_even(x: float, scale: int = 0) -> float:
    """The same, half to the even neighbour."""
    return _rounded(x, scale, ROUND_HALF_EVEN)


def _rounded(x: float, scale: int, rounding: str) -> float:
    if not math.isfinite(x):
        return x
    _expect(abs(x) < _BEYOND and abs(scale) <= _MOST_DIGITS)
    written, place = Decimal(repr(x)), Decimal(1).scaleb(-scale)
    if len(written.as_tuple().digits) > _MOST_DIGITS:  # Java may write other digits at the end
        near = {Decimal(math.nextafter(x, way)).quantize(place, rounding) for way in (-math.inf, math.inf)}
        _expect(len(near) == 1)
    return float(written.quantize(place, rounding)) + 0.0


def _normal(x: float) -> tuple[float, int]:
    """A number that is not subnormal, and the power of 2 that it lacks."""
    return (x, 0) if _high(x) >= _LEAST_NORMAL else (x * 2.0**54, -54)


def _high(x: float) -> int:
    """The upper half of a double's bits."""
    (bits,) = struct.unpack(">i", struct.pack(">d", x)[:4])
    high: int = bits
    return high


def _with_high(x: float, high: int) -> float:
    (changed,) = struct.unpack(">d", struct.pack(">i", high) + struct.pack(">d", x)[4:])
    number: float = changed
    return number


def _expect(holds: bool) -> None:  # noqa: FBT001 -- the one thing it is about
    if not holds:
        raise ValueError
