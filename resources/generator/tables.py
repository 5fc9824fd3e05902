"""The lookup tables that `sql/generator/cdrs.sql` draws from: the world and the number plan.

They are the same for every seed: a demo of another seed has other calls among the same accounts
at the same prices.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from resources.generator import world
from resources.reference.plan import NumberPlan

SLOTS = 1024
"""A drawn number from 0 to 1023 picks a customer, or a destination within a profile."""

ROUTE_SLOTS = 64
CLOCK_SLOTS = 4096
CLI_POOL = 240

Row = dict[str, object]


@dataclass(frozen=True)
class Place:
    """A destination with its number in the tables and its prefixes."""

    number: int
    name: str
    short: str
    group: str
    cost: float
    weight: float
    digits: int
    prefixes: tuple[str, ...]


def build(plan: NumberPlan) -> dict[str, pa.Table]:
    """All tables by the name that the SQL gives them."""
    dice = random.Random("cdr-reports")  # noqa: S311 - one fixed world
    states = _us_exchanges(plan)
    own = _own_numbers(states)
    places = _places(plan, states, own)
    by_name = {
        "patterns": _patterns(),
        "customers": _customers(),
        "customer_slots": _slots(
            [customer.number for customer in world.CUSTOMERS],
            [1 / (rank + 1.6) ** 1.05 for rank in range(len(world.CUSTOMERS))],
            "customer_id",
        ),
        "destination_slots": _destination_slots(places),
        "destinations": [
            {"destination_id": place.number, "prefix_count": len(place.prefixes)}
            for place in places
        ],
        "prefixes": [
            {
                "destination_id": place.number,
                "place": index,
                "prefix": prefix,
                "missing": place.digits - len(prefix),
            }
            for place in places
            for index, prefix in enumerate(place.prefixes)
        ],
        "callers": _callers(states, own, dice),
        "customer_cards": _customer_cards(places, dice),
        "provider_cards": _provider_cards(places, dice),
        "routes": _routes(places, dice),
        "failures": _failures(),
        "clock": _clock(),
    }
    return {name: pa.Table.from_pylist(rows) for name, rows in by_name.items()}


def own_numbers(plan: NumberPlan) -> list[str]:
    """The DIDs of the fictional carrier: 300 numbers in five rate centres."""
    return _own_numbers(_us_exchanges(plan))


def _own_numbers(states: Mapping[str, Sequence[str]]) -> list[str]:
    exchanges = [npanxx for npanxx in states["NJ"] if npanxx < "300"]
    dice = random.Random("own numbers")  # noqa: S311 - made-up data
    chosen = dice.sample(exchanges, 5)
    return [f"1{npanxx}{line:04d}" for npanxx in chosen for line in range(7000, 7060)]


def rows_by_day(first_day: date, days: int, rows_per_day: int) -> list[int]:
    """Rows of each day, fewer at weekends; together `days` x `rows_per_day`."""
    weights = [
        world.WEEKDAYS[(first_day.weekday() + offset) % len(world.WEEKDAYS)]
        for offset in range(days)
    ]
    total, shared = days * rows_per_day, 0.0
    counts: list[int] = []
    for weight in weights:
        shared += weight
        counts.append(round(total * shared / sum(weights)) - sum(counts))
    return counts


def _us_exchanges(plan: NumberPlan) -> dict[str, list[str]]:
    """State → its exchanges that have a rate centre, ascending."""
    states: dict[str, list[str]] = {}
    for npanxx, place in sorted(plan.exchanges.items()):
        area = plan.area_codes.get(npanxx[:3])
        if area and area.country == "US" and area.region and place.rate_center:
            states.setdefault(area.region, []).append(npanxx)
    return states


def _places(
    plan: NumberPlan, states: Mapping[str, Sequence[str]], own: Sequence[str]
) -> list[Place]:
    places = [
        Place(
            number,
            f"USA {state}",
            f"US {state}",
            "us",
            world.US_COST.get(state, 0.0062),
            float(len(exchanges)),
            11,
            tuple(f"1{npanxx}" for npanxx in exchanges),
        )
        for number, (state, exchanges) in enumerate(sorted(states.items()), 1)
    ]
    for number, given in enumerate(world.DESTINATIONS, len(places) + 1):
        prefixes = given.prefixes or _prefixes(given, plan)
        places.append(
            Place(
                number,
                given.name,
                given.short,
                given.group,
                given.cost,
                given.weight,
                given.digits,
                prefixes,
            )
        )
    onnet = Place(len(places) + 1, "On-net", "On-net", "onnet", 0.0004, 1.0, 11, tuple(own))
    return [*places, onnet]


def _prefixes(given: world.Destination, plan: NumberPlan) -> tuple[str, ...]:
    if given.carrier:
        found = [
            prefix
            for prefix, entry in plan.prefixes.items()
            if (entry.country, entry.carrier) == (given.country, given.carrier)
        ]
    else:
        found = [
            f"1{npanxx}"
            for npanxx, place in plan.exchanges.items()
            if place.country == given.country
        ]
    return tuple(prefix for prefix in sorted(found) if len(prefix) < given.digits) or (
        given.country,
    )


def _slots(values: Sequence[object], weights: Sequence[float], name: str) -> list[Row]:
    """Slots in the proportion of the weights; each value has one at least."""
    counts = [max(1, round(SLOTS * weight / sum(weights))) for weight in weights]
    counts[counts.index(max(counts))] += SLOTS - sum(counts)
    filled = [value for value, count in zip(values, counts, strict=True) for _ in range(count)]
    return [{"slot": slot, name: value} for slot, value in enumerate(filled)]


def _patterns() -> list[Row]:
    """Twelve rows are 9 to 12 calls: (pattern, position) → call in the dozen, branch, last?"""
    ones = (1,) * 9
    dozens = [
        (*ones, 1, 1, 1), (*ones, 1, 1, 1), (1, 1, 1, 2, *ones[:7]), (1, 2, *ones),
        (1, 1, 1, 1, 2, 1, 1, 2, 1, 1), (1, 1, 1, 1, 1, 1, 3, 1, 1, 1), (2, *ones, 1), (*ones, 3),
    ]  # fmt: skip
    rows: list[Row] = []
    for pattern, dozen in enumerate(dozens):
        position = 0
        for call, branches in enumerate(dozen):
            for branch in range(branches):
                rows.append(
                    {
                        "pattern": pattern,
                        "position": position,
                        "call_in_dozen": call,
                        "branch": branch,
                        "is_last": branch == branches - 1,
                        "is_alone": branches == 1,
                    }
                )
                position += 1
    return rows


def _customers() -> list[Row]:
    return [
        {
            "customer_id": customer.number,
            "profile": list(world.PROFILES).index(customer.profile),
            "is_ivr": customer.ivr,
            "tech_prefix": customer.tech_prefix or None,
            "source_ip": f"192.0.2.{customer.number - 90}",
        }
        for customer in world.CUSTOMERS
    ]


def _destination_slots(places: list[Place]) -> list[Row]:
    rows: list[Row] = []
    for number, shares in enumerate(world.PROFILES.values()):
        chosen = [place for place in places if place.group in shares]
        totals = {
            group: sum(place.weight for place in chosen if place.group == group) for group in shares
        }
        weights = [shares[p.group] * p.weight / totals[p.group] for p in chosen]
        rows += [
            {"profile": number, **row}
            for row in _slots([place.number for place in chosen], weights, "destination_id")
        ]
    return rows


def _callers(
    states: Mapping[str, Sequence[str]], own: Sequence[str], dice: random.Random
) -> list[Row]:
    everywhere = [npanxx for exchanges in states.values() for npanxx in exchanges]
    rows: list[Row] = []
    for index, customer in enumerate(world.CUSTOMERS):
        home_state = dice.choice(sorted(states))
        for place in range(CLI_POOL):
            line = f"{dice.randrange(10**4):04d}"
            if customer.own_numbers:
                cli = own[(index * 120 + place) % len(own)]
            elif customer.home == "GB":
                cli = f"4420{dice.choice('378')}{dice.randrange(10**7):07d}"
            elif customer.home == "DE":
                cli = f"4930{dice.randrange(10**7):07d}"
            elif dice.random() < 0.35:
                cli = f"1{dice.choice(states[home_state])}{line}"
            else:
                cli = f"1{dice.choice(everywhere)}{line}"
            rows.append({"customer_id": customer.number, "place": place, "cli": cli})
    return rows


def _price(usd: float, currency: str) -> dict[str, object]:
    """A rate per minute in ten-thousandths of the currency, and the same as text."""
    units = max(1, round(usd * world.CURRENCY_PER_USD[currency] * 10**4))
    return {"rate": units, "rate_text": f"{units / 10**4:.4f}", "currency": currency}


def _customer_cards(places: list[Place], dice: random.Random) -> list[Row]:
    return [
        {
            "customer_id": customer.number,
            "destination_id": place.number,
            "card_id": f"c{customer.number}A",
            "code": _code(place),
            "name": place.name,
            "minimum": customer.minimum,
            "increment": customer.increment,
            **_price(place.cost * customer.markup * dice.uniform(1.0, 1.12), customer.currency),
        }
        for customer in world.CUSTOMERS
        for place in places
    ]


def _provider_cards(places: list[Place], dice: random.Random) -> list[Row]:
    rows: list[Row] = []
    for provider in world.PROVIDERS:
        for place in places:
            cost = place.cost * provider.price * dice.uniform(0.93, 1.07)
            cost *= world.LOSSES.get((provider.number, place.name), 1.0)
            rows.append(
                {
                    "provider_id": provider.number,
                    "destination_id": place.number,
                    "card_id": f"p{provider.number}B",
                    "code": _code(place),
                    "name": _provider_name(place, provider.style),
                    "minimum": provider.minimum,
                    "increment": provider.increment,
                    "answered": min(0.9, provider.answered * dice.uniform(0.85, 1.15)),
                    "delay_ms": provider.delay_ms,
                    "dtmf": provider.dtmf,
                    **_price(cost, provider.currency),
                }
            )
    return rows


def _provider_name(place: Place, style: str) -> str:
    if style == "US":
        return place.name.replace(" Mobile", " Cellular")
    return place.short if style == "COMMA" else place.short.replace(",", "")


def _code(place: Place) -> str:
    first, last = place.prefixes[0], place.prefixes[-1]
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(last))
    return first[:same] or first[:1]


def _routes(places: list[Place], dice: random.Random) -> list[Row]:
    """Which providers are tried for a destination, in order: by slot, cheaper ones more often."""
    rows: list[Row] = []
    numbers = [provider.number for provider in world.PROVIDERS]
    weights = [1 / provider.price**6 for provider in world.PROVIDERS]
    for place in places:
        for slot in range(ROUTE_SLOTS):
            first = dice.choices(numbers, weights)[0]
            second, third = dice.sample([number for number in numbers if number != first], 2)
            rows.append(
                {
                    "destination_id": place.number,
                    "slot": slot,
                    "first": first,
                    "second": second,
                    "third": third,
                }
            )
    return rows


def _failures() -> list[Row]:
    return [
        {"slot": slot, "sip_code": code, "sip_reason": reason, "release_reason": release}
        for slot, (code, reason, release) in enumerate(
            (code, reason, release)
            for code, reason, release, weight in world.FAILURES
            for _ in range(weight)
        )
    ]


def _clock() -> list[Row]:
    """Slot of the day's calls, in order → when they begin: milliseconds of the day, and a span.

    The last minute is left out, so that failed-over branches stay within the day.
    """
    total, day_ms = sum(world.HOURS), 24 * 3600 * 1000 - 60_000
    edges, done = [0.0], 0.0
    for hour in world.HOURS:
        done += hour
        edges.append(done / total)
    begins = [_moment(slot / CLOCK_SLOTS, edges, day_ms) for slot in range(CLOCK_SLOTS + 1)]
    return [
        {"slot": slot, "begin_ms": begins[slot], "span_ms": begins[slot + 1] - begins[slot]}
        for slot in range(CLOCK_SLOTS)
    ]


def _moment(share: float, edges: list[float], day_ms: int) -> int:
    hour = max(index for index in range(24) if edges[index] <= share)
    within = (share - edges[hour]) / (edges[hour + 1] - edges[hour])
    return round((hour + min(within, 1.0)) / 24 * day_ms)
