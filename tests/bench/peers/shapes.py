"""What the peers in Python judge by: columns they read, shapes of values, reasons, grains."""

TEXTS = (
    "dt", "callid", "branch_idx", "direction", "tech_prefix", "dest_cli", "dest_number",
    "lrn_number", "customer_id", "provider_id", "customer_card_dest_name",
    "provider_card_dest_name", "customer_card_currency", "provider_card_currency", "sip_code",
    "release_reason", "dtmf",
)  # fmt: skip
DURATIONS = ("duration", "customer_duration", "provider_duration")
CHARGES = ("customer_charge", "provider_charge")
COLUMNS = (*TEXTS, *DURATIONS, *CHARGES, "pdd_out")
"""The others are not read, to their advantage; so are records whose fields are too many."""

TIME = r"^\s*\d{4}-\d{2}-\d{2}[ T]([01]\d|2[0-3]):\d{2}:\d{2}([.]\d{1,6})?Z?\s*$"
NUMBER = r"^\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)\s*$"
CHARGE = r"^\s*[+-]?([0-9]+[.]?[0-9]{0,8}|[.][0-9]{1,8})0*\s*$"
NOISE = r"[ +().-]"
NANP = r"^1[2-9]\d\d[2-9]\d{6}$"
LOCAL = r"^[2-9]\d\d[2-9]\d{6}$"
FOREIGN = r"^[02-9]\d{6,14}$"

KEY = ["call_date", "callid", "branch_idx"]
BREAKOUT = [
    "call_date", "customer_id", "provider_id", "customer_card_dest_name",
    "provider_card_dest_name", "customer_card_currency", "provider_card_currency", "tech_prefix",
    "direction", "sip_code", "release_reason",
]  # fmt: skip
DTMF = [
    "hour", "customer_id", "provider_id", "customer_card_dest_name", "provider_card_dest_name",
    "customer_card_currency", "provider_card_currency",
]  # fmt: skip
PARTIES = ["customer_id", "provider_id", "customer_card_currency", "provider_card_currency"]
USA = [
    "call_date", *PARTIES, "orig_state", "term_state", "orig_lata", "term_lata",
    "jurisdiction_state", "jurisdiction_lata",
]  # fmt: skip
SUMS = [*DURATIONS, *CHARGES]
"""Seconds in thousandths and charges in hundred-millionths, as whole numbers: sums are exact."""
