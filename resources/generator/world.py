"""The fictional world: accounts, destinations, prices and quality. Constants only.

All firms are invented. Prices are in USD per minute and the order of magnitude is right, no more.
"""

from dataclasses import dataclass

CURRENCY_PER_USD = {"USD": 1.0, "GBP": 0.75, "EUR": 0.87}


@dataclass(frozen=True)
class Customer:
    """A customer: what it sends (`profile`), how it is billed, and whether it runs IVRs."""

    number: int
    name: str
    profile: str
    currency: str = "USD"
    markup: float = 1.15
    minimum: int = 6
    increment: int = 6
    ivr: bool = False
    tech_prefix: str = ""
    home: str = "US"
    own_numbers: bool = False


@dataclass(frozen=True)
class Provider:
    """A carrier: its price level, share of answered calls, delay, and how it passes DTMF."""

    number: int
    name: str
    currency: str = "USD"
    price: float = 1.0
    answered: float = 0.52
    delay_ms: int = 2200
    minimum: int = 1
    increment: int = 1
    dtmf: float = 1.0
    style: str = "US"


@dataclass(frozen=True)
class Destination:
    """Where calls go: `cost` in USD a minute, `digits` of the whole number.

    Prefixes are either given, or those of `carrier` in `country` in the reference data.
    """

    name: str
    short: str
    group: str
    cost: float
    weight: float
    digits: int
    country: str = ""
    carrier: str = ""
    prefixes: tuple[str, ...] = ()


PROVIDERS = (
    Provider(7, "Tierone Transit", price=0.94, answered=0.49, delay_ms=2600),
    Provider(8, "Albion Wholesale Voice", "GBP", 1.02, 0.56, 1700, style="ISO"),
    Provider(9, "Harmattan Carrier Services", "EUR", 1.0, 0.47, 3100, style="COMMA"),
    Provider(12, "Quietline Networks", price=0.90, answered=0.53, delay_ms=2100, dtmf=0.06),
    Provider(14, "Meridian Bulk Minutes", price=0.97, answered=0.42, delay_ms=3900),
    Provider(21, "Nordlicht Telekom Handel", "EUR", 1.06, 0.58, 1500, style="ISO"),
    Provider(23, "Pacific Sable Voice", price=1.03, answered=0.51, delay_ms=2900, minimum=6,
             increment=6),
    Provider(31, "Deccan Relay", price=0.95, answered=0.50, delay_ms=2700, style="COMMA"),
    Provider(40, "Bluewater Interconnect", "GBP", 1.08, 0.60, 1400, minimum=30, increment=6),
)  # fmt: skip

LOSSES = {(31, "India Mobile Jio"): 1.55, (9, "Nigeria Mobile MTN"): 1.42, (14, "USA NY"): 1.6}
"""(Provider, destination) → factor on the price: sold for less than it costs."""

CUSTOMERS = (
    Customer(101, "SkyCore Telecom", "wholesale", markup=1.09),
    Customer(102, "Brightline Voice", "uk", "GBP", tech_prefix="77#", home="GB"),
    Customer(103, "Parcel & Post Hotline", "us", ivr=True, own_numbers=True),
    Customer(104, "Voix du Rhin", "europe", "EUR", increment=1, minimum=1, home="DE"),
    Customer(105, "Tallgrass Dialing", "us", markup=1.06, tech_prefix="99#"),
    Customer(106, "Northgate Contact Centres", "us", "GBP", ivr=True, home="GB"),
    Customer(107, "Lanternfish Communications", "asia"),
    Customer(108, "Copperwire Exchange", "wholesale", markup=1.08, tech_prefix="77#"),
    Customer(109, "Mesa Verde VoIP", "us"),
    Customer(110, "Thistle & Loch Telephony", "uk", "GBP", home="GB", ivr=True),
    Customer(111, "Ostwind Netze", "europe", "EUR", home="DE"),
    Customer(112, "Bayou Hosted PBX", "us", ivr=True),
    Customer(113, "Halcyon Outreach", "us", markup=1.05, minimum=30),
    Customer(114, "Palmyra Calling Cards", "africa", markup=1.22, minimum=60, increment=60),
    Customer(115, "Junction City Telecom", "us"),
    Customer(116, "Kestrel Unified Voice", "uk", "GBP", home="GB"),
    Customer(117, "Redwood Lines", "us", own_numbers=True),
    Customer(118, "Isla Azul Telefonia", "latam", markup=1.2),
    Customer(119, "Cobalt Routing", "wholesale", "EUR", 1.07),
    Customer(120, "Marigold Helpdesks", "asia", ivr=True),
    Customer(121, "Prairie Fiber Voice", "us"),
    Customer(122, "Kingfisher Minutes", "asia", markup=1.12, tech_prefix="99#"),
    Customer(123, "Fjordline Samtale", "europe", "EUR", home="DE"),
    Customer(124, "Two Rivers Telco", "us"),
    Customer(125, "Saffron Trunking", "asia", "GBP", home="GB"),
    Customer(126, "Anchorpoint SIP", "us", ivr=True),
    Customer(127, "Baobab Voice Exchange", "africa", "EUR", 1.18, home="DE"),
    Customer(128, "Stonebridge Surveys", "us", markup=1.3),
    Customer(129, "Coral Coast Wireless", "latam"),
    Customer(130, "Everlight Answering", "us", ivr=True),
    Customer(131, "Greyfriars Telecom", "uk", "GBP", home="GB"),
    Customer(132, "Sundial Networks", "wholesale", markup=1.1),
    Customer(133, "Maple Relay", "latam", markup=1.16),
    Customer(134, "Westwall Telefonie", "europe", "EUR", home="DE", ivr=True),
    Customer(135, "Pinecrest Voice", "us"),
    Customer(136, "Quartz Hill Dial", "us", markup=1.04),
    Customer(137, "Lowland Calling", "europe", "EUR", increment=60, minimum=60, home="DE"),
    Customer(138, "Harbour & Quay", "uk", "GBP", home="GB"),
    Customer(139, "Ridgeway PBX", "us"),
    Customer(140, "Test & Turn-up, Inc.", "wholesale"),
)

PROFILES: dict[str, dict[str, float]] = {
    "us": {"us": 0.93, "latam": 0.03, "free": 0.03, "uk": 0.005, "onnet": 0.005},
    "uk": {"uk": 0.72, "europe": 0.12, "asia": 0.08, "us": 0.08},
    "europe": {"europe": 0.62, "uk": 0.2, "us": 0.12, "africa": 0.06},
    "asia": {"asia": 0.78, "us": 0.12, "uk": 0.1},
    "africa": {"africa": 0.75, "asia": 0.1, "europe": 0.15},
    "latam": {"latam": 0.7, "us": 0.28, "free": 0.02},
    "wholesale": {
        "us": 0.4, "uk": 0.12, "europe": 0.1, "asia": 0.16, "latam": 0.12, "africa": 0.09,
        "onnet": 0.01,
    },
}  # fmt: skip

US_COST = {
    "AK": 0.031, "HI": 0.014, "IA": 0.0125, "SD": 0.0135, "ND": 0.0105, "MT": 0.0098, "NY": 0.0052,
    "CA": 0.0049, "TX": 0.0047, "FL": 0.0048, "PR": 0.018, "VI": 0.021, "GU": 0.027, "AS": 0.19,
    "MP": 0.046,
}  # fmt: skip
"""USD a minute by state; the others cost 0.0062."""

DESTINATIONS = (
    Destination("UK Landline", "GBR Fixed", "uk", 0.0042, 3.0, 12,
                prefixes=("442079", "442084", "441612", "441214", "441413", "442890")),
    Destination("UK Mobile O2", "GBR Mobile, O2", "uk", 0.0205, 1.2, 12, "GB", "O2"),
    Destination("UK Mobile Vodafone", "GBR Mobile, Vodafone", "uk", 0.0198, 1.1, 12, "GB",
                "Vodafone"),
    Destination("UK Mobile EE", "GBR Mobile, EE", "uk", 0.0212, 1.2, 12, "GB", "EE"),
    Destination("UK Mobile Three", "GBR Mobile, Three", "uk", 0.0187, 0.9, 12, "GB", "Three"),
    Destination("Germany Landline", "DEU Fixed", "europe", 0.0058, 2.0, 12,
                prefixes=("4930", "4940", "4989", "49221")),
    Destination("Germany Mobile Vodafone", "DEU Mobile, Vodafone", "europe", 0.0182, 0.9, 13,
                "DE", "Vodafone"),
    Destination("Germany Mobile T-Mobile", "DEU Mobile, T-Mobile", "europe", 0.0179, 1.0, 13,
                "DE", "T-Mobile"),
    Destination("India Mobile Airtel", "IND Mobile, Airtel", "asia", 0.0152, 1.8, 12, "IN",
                "Airtel"),
    Destination("India Mobile Jio", "IND Mobile, Reliance Jio", "asia", 0.0149, 2.2, 12, "IN",
                "Reliance Jio"),
    Destination("India Mobile Vodafone Idea", "IND Mobile, Vodafone Idea", "asia", 0.0155, 1.2,
                12, "IN", "Vodafone"),
    Destination("Philippines Mobile Globe", "PHL Mobile, Globe", "asia", 0.118, 0.9, 12, "PH",
                "Globe"),
    Destination("Philippines Mobile Smart", "PHL Mobile, Smart", "asia", 0.121, 0.8, 12, "PH",
                "Smart"),
    Destination("Mexico Landline & Mobile", "MEX", "latam", 0.0069, 1.8, 12,
                prefixes=("5255", "5281", "5233", "52664", "52998")),
    Destination("Canada", "CAN", "latam", 0.0038, 1.6, 11, "CA"),
    Destination("Jamaica Mobile Digicel", "JAM Mobile, Digicel", "latam", 0.158, 0.6, 11, "JM",
                "Digicel"),
    Destination("Jamaica Mobile Flow", "JAM Mobile, Flow", "latam", 0.149, 0.4, 11, "JM",
                "Cable & Wireless"),
    Destination("Nigeria Mobile MTN", "NGA Mobile, MTN", "africa", 0.094, 1.6, 13, "NG", "MTN"),
    Destination("Nigeria Mobile Glo", "NGA Mobile, Glo", "africa", 0.097, 0.7, 13, "NG", "Glo"),
    Destination("Nigeria Mobile Airtel", "NGA Mobile, Airtel", "africa", 0.096, 0.8, 13, "NG",
                "Airtel"),
    Destination("Côte d'Ivoire Mobile", "CIV Mobile, Orange", "africa", 0.31, 0.5, 13,
                prefixes=("22507", "22505")),
    Destination("USA Toll-Free", "US TF", "free", 0.0021, 1.0, 11,
                prefixes=("1800555", "1888343", "1877261", "1866594", "1855672")),
)  # fmt: skip
"""Besides the US states, one destination each, and the own numbers (on-net)."""

HOURS = (
    3, 2, 1.6, 1.5, 1.8, 2.6, 4, 6, 9, 12, 13.5, 14,
    13, 13.4, 14.2, 14.6, 14, 13, 11.5, 9.5, 8, 6.5, 5, 4,
)  # fmt: skip
"""How busy each hour of the day (UTC) is, in relation to each other."""

WEEKDAYS = (1.0, 1.04, 1.05, 1.03, 0.98, 0.58, 0.47)
"""Monday to Sunday."""

FAILURES = (
    ("486", "Busy Here", "Busy", 24),
    ("480", "Temporarily Unavailable", "No Answer", 27),
    ("487", "Request Terminated", "Caller Cancel", 22),
    ("404", "Not Found", "Unallocated Number", 9),
    ("603", "Decline", "Rejected", 3),
    ("503", "Service Unavailable", "Congestion", 11),
    ("408", "Request Timeout", "Timeout", 2),
    ("484", "Address Incomplete", "Invalid Number", 2),
)
"""How an attempt that nobody answers ends: SIP status, phrase, release reason, weight."""
