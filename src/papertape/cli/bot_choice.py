"""What `run` and `up` let people choose of a bot: one list of options, said once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, get_type_hints

from papertape.cli.options import (
    ConfigOption,
    DataDirOption,
    DataOption,
    DurationOption,
    FeedOption,
    KalshiOption,
    MarketsOption,
    OneFillsOption,
    QueryOption,
    SeedOption,
    SpeedOption,
    StrategiesOption,
    SymbolsOption,
    VenuesOption,
    duration_s,
    market_slugs,
    refuse_beside_live,
    settings,
    speed_value,
    strategy_names,
    words_of,
)

if TYPE_CHECKING:
    from papertape.config import Config

SHARED = ("config", "data_dir")  # what the dashboard takes as well


@dataclass(frozen=True)
class BotChoice:
    """The options of a bot as they were given; None is not given."""

    feed: FeedOption = None
    data: DataOption = None
    markets: MarketsOption = None
    query: QueryOption = None
    symbols: SymbolsOption = None
    kalshi: KalshiOption = None
    venues: VenuesOption = None
    speed: SpeedOption = None
    seed: SeedOption = None
    strategies: StrategiesOption = None
    duration: DurationOption = None
    fills: OneFillsOption = None
    config: ConfigOption = None
    data_dir: DataDirOption = None

    def settings(self, **more: object) -> Config:
        """Return the Config of file, environment and these options; refuse what cannot be."""
        chosen = settings(
            self.config,
            data_dir=self.data_dir,
            feed__kind=self.feed,
            feed__data=self.data,
            live__slugs=market_slugs(self.markets),
            live__query=self.query,
            live__venues=words_of(self.venues, "venues", "venues such as polymarket"),
            kalshi__tickers=words_of(self.kalshi, "kalshi", "market tickers"),
            crypto__symbols=words_of(self.symbols, "symbols", "pairs such as binance:BTC/USDT"),
            feed__speed=speed_value(self.speed),
            feed__seed=self.seed,
            feed__duration_s=duration_s(self.duration),
            execution__fills=self.fills,
            **more,
        )
        refuse_beside_live(
            chosen,
            markets=self.markets,
            query=self.query,
            symbols=self.symbols,
            kalshi=self.kalshi,
            venues=self.venues,
        )
        self.strategy_names()
        return chosen

    def strategy_names(self) -> list[str] | None:
        """Return the strategies that were named, in order; None for all."""
        return strategy_names(self.strategies)

    def words(self) -> list[str]:
        """Return the command line that says the same, without what the dashboard shares."""
        names = [field.name for field in fields(self) if field.name not in SHARED]
        return words({name: getattr(self, name) for name in names})

    def shared_words(self) -> list[str]:
        """Return the words that bot and dashboard both take."""
        return words({name: getattr(self, name) for name in SHARED})


def words(given: dict[str, object]) -> list[str]:
    """Return `--name value` for each option that was given."""
    told = {f"--{name.replace('_', '-')}": value for name, value in given.items()}
    return [
        word for name, value in told.items() if value is not None for word in (name, str(value))
    ]


def takes_bot_choice(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command whose first parameter is a BotChoice one option for each field of it."""
    choice_hints = get_type_hints(BotChoice, include_extras=True)
    own_hints = get_type_hints(command, include_extras=True)
    own = list(signature(command).parameters.values())[1:]

    def flat(**given: Any) -> Any:
        choice = BotChoice(**{name: given.pop(name) for name in choice_hints})
        return command(choice, **given)

    kind = Parameter.KEYWORD_ONLY
    options = [Parameter(n, kind, default=None, annotation=choice_hints[n]) for n in choice_hints]
    options += [p.replace(kind=kind, annotation=own_hints[p.name]) for p in own]
    flat.__doc__, flat.__name__ = command.__doc__, command.__name__
    flat.__annotations__ = {option.name: option.annotation for option in options}
    flat.__signature__ = Signature(options)  # type: ignore[attr-defined]
    return flat
