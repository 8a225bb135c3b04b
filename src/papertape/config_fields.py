"""The kinds of value that settings are made of: each is checked strictly where it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
SECRET_PLACE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,99}|file:[^\0]{1,1000}", re.ASCII)
URL_CHARS_MAX = 500
GAIN_PCT_MAX = 100_000  # an outcome token at 0.1 cents may gain that much


def expected(what: str) -> PydanticCustomError:
    """Return the error that says what a value should have been."""
    return PydanticCustomError("expected", "{what}", {"what": what})


def _usd(value: object) -> Decimal:
    text = _amount_text(value)
    if text is None:
        raise expected("an amount in USD such as 500 or 12.50")
    return Decimal(text)


def _pct(value: object) -> Decimal:
    text = value.removesuffix("%") if isinstance(value, str) else value
    amount = _amount_text(text)
    if amount is None or Decimal(amount) > 100:
        raise expected("a percentage from 0 to 100, such as 60 or '60%'")
    number = Decimal(amount)
    if 0 < number < 1 and text is value:
        whole = format((number * 100).normalize(), "f")
        raise expected(
            f"a clear percentage: write {whole} for {whole} of 100, "
            f"or '{amount}%' if you do mean less than one percent"
        )
    return number


def _gain(value: object) -> Decimal:
    """Return a gain in percent, which may be more than 100."""
    text = value.removesuffix("%") if isinstance(value, str) else value
    amount = _amount_text(text)
    if amount is None or Decimal(amount) > GAIN_PCT_MAX:
        raise expected(f"a gain in percent from 0 to {GAIN_PCT_MAX}, such as 20 or '20%'")
    return Decimal(amount)


def _amount_text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    if isinstance(value, int) and value.bit_length() > 63:
        return None
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return text if AMOUNT.fullmatch(text) else None


def _number(value: object) -> object:
    return float(value) if isinstance(value, int | Decimal) and value is not True else value


def speed_of(value: object) -> object:
    """Return a speed: a factor, or "max"."""
    if value == "max":
        return value
    number = _number(value)
    if not isinstance(number, float) or not 0 < number <= 1_000_000:
        raise expected("a factor more than 0 such as 1 or 10, or max")
    return number


def _path(value: object) -> object:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise expected("a path")
    return Path(value).expanduser()


def url_of(*schemes: str) -> BeforeValidator:
    """Return a check for addresses of these schemes, without a user or password in them."""

    def check(value: object) -> object:
        parts = urlsplit(value) if isinstance(value, str) and len(value) <= URL_CHARS_MAX else None
        if parts is None or parts.scheme not in schemes or not parts.hostname or "@" in parts[1]:
            raise expected(f"an address that begins with {' or '.join(schemes)}://")
        return value

    return BeforeValidator(check)


def flag_of(value: object) -> object:
    """Return 0 and 1 as the flags they are."""
    return {0: False, 1: True}.get(value, value) if isinstance(value, int) else value


def secret_place(value: object) -> object:
    """Return where a secret is kept; the secret itself is refused."""
    if not isinstance(value, str) or not SECRET_PLACE.fullmatch(value):
        raise expected("env:NAME or file:PATH: where the address is kept, not the address")
    return value


def params_of(value: object) -> object:
    """Return the parameters of a strategy with plain floats."""
    if isinstance(value, Mapping):
        return {key: float(v) if isinstance(v, Decimal) else v for key, v in value.items()}
    return {} if value is None else value


Usd = Annotated[Decimal, BeforeValidator(_usd), Field(gt=0)]
Pct = Annotated[Decimal, BeforeValidator(_pct), Field(gt=0)]
Gain = Annotated[Decimal, BeforeValidator(_gain), Field(ge=0)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
FilePath = Annotated[Path, BeforeValidator(_path)]


class Section(BaseModel):
    """Keys with values: strict types, no key that is not known, never changed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, values: object) -> object:
        return {} if values is None else values  # a section whose keys are all commented out
