"""Money: a decimal string and a currency. Never a JSON number, never summed across currencies."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from schemas.worded import Worded

# ISO 4217 active codes of legal tender (the list's edition of 2026-01-01; funds and metals left out).
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
    HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL
    LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP
    PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
    TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)


def _text_only(value: object) -> object:
    # A JSON number has already been through binary floating point somewhere: refuse it.
    if not isinstance(value, str):
        raise ValueError('an amount of money is a decimal string, such as "12.50"')  # noqa: TRY004 - pydantic wants ValueError
    return value


def _known_currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f"{code!r} is no ISO 4217 currency")
    return code


Amount = Annotated[
    str,
    BeforeValidator(_text_only),
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?$"),
    Worded('a decimal string of zero or more, such as "12.50": at most 15 digits before the point and 6 after it'),
]
Currency = Annotated[str, AfterValidator(_known_currency)]


class Money(BaseModel):
    """An amount of zero or more in one currency; up to 15 digits before and 6 after the point."""

    model_config = ConfigDict(extra="allow", frozen=True)

    amount: Amount
    currency: Currency

    @property
    def value(self) -> Decimal:
        """The amount as an exact decimal."""
        return Decimal(self.amount)
