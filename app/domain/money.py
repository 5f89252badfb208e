"""Amounts in minor units: how many there are in one of each currency (ISO 4217)."""

from decimal import Decimal

#: Currencies that have neither the usual two digits after the point.
DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


def minor_digits(currency: str) -> int:
    return DIGITS.get(currency, 2)


def minor_units(amount: Decimal, currency: str) -> Decimal:
    """The amount in minor units, exactly: 120.505 EUR are 12050.5, 7 JPY are 7."""
    return amount.scaleb(minor_digits(currency))
