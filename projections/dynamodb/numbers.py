"""DynamoDB's numbers: decimals of at most 38 digits, 1E-130 to 9.99…E+125, as canonical text and as sortable bytes.

Source: Amazon DynamoDB Developer Guide, "Supported data types and naming rules" (Number).
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact

MAX_DIGITS = 38
MAX_EXPONENT = 125  # of the first significant digit
MIN_EXPONENT = -130

OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?\Z")
# Any sum of two numbers in range is exact in so many digits (exponents 125 to -130 less 37 more digits).
_EXACT = Context(prec=400, Emin=-1000, Emax=1000, traps=[Inexact])


class NumberError(ValueError):
    """A text that is no number, or a number out of range; the text of the exception is AWS's message."""


def canonical(text: str) -> str:
    """Return the one spelling of a number that DynamoDB keeps: plain digits, no exponent, no needless zeros.

    Raises NumberError.
    """
    if text.isdigit() and text.isascii() and len(text) <= MAX_DIGITS and (text[0] != "0" or len(text) == 1):
        return text
    negative, digits, exponent = _parts(text)
    if not digits:
        return "0"
    if exponent > MAX_EXPONENT:
        raise NumberError(OVERFLOW)
    if exponent < MIN_EXPONENT:
        raise NumberError(UNDERFLOW)
    if len(digits) > MAX_DIGITS:
        raise NumberError(TOO_PRECISE)
    if exponent < 0:
        plain = "0." + "0" * (-exponent - 1) + digits
    elif len(digits) <= exponent + 1:
        plain = digits + "0" * (exponent + 1 - len(digits))
    else:
        plain = digits[: exponent + 1] + "." + digits[exponent + 1 :]
    return "-" + plain if negative else plain


def _parts(text: str) -> tuple[bool, str, int]:
    """Return sign, significant digits and the exponent of the first of them; no digits for zero."""
    match = _NUMBER.match(text)
    if match is None or not (match[2] or match[3]):
        raise NumberError(
            f"The parameter cannot be converted to a numeric value: {text}"
            if text
            else "The parameter cannot be converted to a numeric value"
        )
    whole, fraction = match[2], match[3] or ""
    exponent_text = match[4] or "0"
    # An exponent of many digits is out of range whatever it says exactly; int() would be slow on thousands of them.
    exponent = int(exponent_text) if len(exponent_text) < 12 else (-(10**11) if exponent_text[0] == "-" else 10**11)
    digits = whole + fraction
    significant = digits.lstrip("0")
    if not significant:
        return False, "", 0
    first = len(whole) - 1 - (len(digits) - len(significant)) + exponent
    return match[1] == "-", significant.rstrip("0"), first


def sortable(number: str) -> bytes:
    """Return bytes that sort as canonical numbers do.

    A sign byte, the exponent of the first digit, then two digits a byte (plus 1, so that no byte is zero). All but the
    sign are complemented for negative numbers, and 0xFF ends them, so that -1.5 sorts before -1.
    """
    negative, digits, exponent = _parts(number)
    if not digits:
        return b"\x02"
    if len(digits) & 1:
        digits += "0"
    body = bytes([exponent - MIN_EXPONENT, *[int(digits[at : at + 2]) + 1 for at in range(0, len(digits), 2)]])
    if negative:
        return b"\x01" + bytes([255 - byte for byte in body]) + b"\xff"
    return b"\x03" + body


def plus(left: str, right: str) -> str:
    """Return the sum of two canonical numbers. Raises NumberError where it cannot be kept exactly."""
    if len(left) < 18 and len(right) < 18 and "." not in left and "." not in right:
        return str(int(left) + int(right))
    return _result(_EXACT.add(Decimal(left), Decimal(right)))


def minus(left: str, right: str) -> str:
    """Return the difference of two canonical numbers. Raises NumberError where it cannot be kept exactly."""
    if len(left) < 18 and len(right) < 18 and "." not in left and "." not in right:
        return str(int(left) - int(right))
    return _result(_EXACT.subtract(Decimal(left), Decimal(right)))


def _result(value: Decimal) -> str:
    try:
        return canonical(format(value, "f"))
    except NumberError as error:
        # AWS answers a result with too many digits as an overflow.
        raise NumberError(OVERFLOW if str(error) == TOO_PRECISE else str(error)) from None


def size(number: str) -> int:
    """Return the bytes that a canonical number counts for: one for each two digits, one more, and one for a sign.

    Source: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats".
    """
    if number.isdigit():
        digits = len(number.rstrip("0"))
        return (digits + 1) // 2 + 1 if digits else 1
    digits = len(number.replace("-", "").replace(".", "").strip("0"))
    return (digits + 1) // 2 + (2 if number[0] == "-" else 1)
