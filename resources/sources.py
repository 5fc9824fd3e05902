"""The switches whose files we read: one declaration each, beside `sql/sources/<name>.sql`.

A declaration says what a file of the source looks like; the SQL says what its columns mean.
Reading the files is `resources.intake`.
"""

from dataclasses import dataclass
from fnmatch import fnmatch

CONNEXCS_FIGURES = tuple(
    """dt lrn_number callid dest_cli dest_number duration tech_prefix customer_id customer_charge
    customer_duration customer_card_dest_name customer_card_currency provider_id provider_charge
    provider_duration pdd_out provider_card_dest_name provider_card_currency release_reason
    sip_code dtmf""".split()
)
"""Columns that a figure, a dimension or a check stands on: a file without one is refused."""

CONNEXCS_DETAILS = tuple(
    """recording_file recording_cost switch_ip source_ip source_cli source_dest_number jurisdiction
    pdd_in customer_card_id customer_card_rate customer_card_dest_code customer_card_mcd
    customer_card_pulse customer_card_connect_rate reseller_id reseller_charge reseller_duration
    reseller_currency reseller_card_rate reseller_card_dest_code reseller_card_dest_name
    reseller_card_mcd reseller_card_pulse reseller_card_connect_rate reseller_card_currency
    provider_card_id provider_card_rate provider_card_dest_code provider_card_mcd
    provider_card_pulse provider_card_connect_rate ring_duration sip_reason callid_b ingress_id
    billing_id auth_user branch_idx direction meta""".split()
)
"""Columns that are kept when a file has them."""


@dataclass(frozen=True)
class Companion:
    """A file that lies beside the calls and tells more of them."""

    relation: str
    prefix: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """What a file of one source looks like.

    `columns` names the fields of a file that has no header; for one with a header they are the
    required ones and `optional` those that may be there. `pattern` tells which files of the
    source's folder hold calls.
    """

    name: str
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    header: bool = True
    delimiter: str = ","
    pattern: str = "*.csv"
    local_times: bool = False
    prefix: str = ""
    companions: tuple[Companion, ...] = ()

    def holds_calls(self, file_name: str) -> bool:
        """Whether a file of this name in the source's folder is one of calls, zipped or not.

        In any case of letters, but for the prefix: companions are found by it.
        """
        name = file_name.lower().removesuffix(".gz")
        return file_name.startswith(self.prefix) and fnmatch(name, self.pattern)

    def is_companion(self, file_name: str) -> bool:
        """Whether a file of this name belongs to one of calls."""
        return any(file_name.startswith(companion.prefix) for companion in self.companions)

    def companion_name(self, file_name: str, companion: Companion) -> str:
        """`acc_cdrs-7.csv.gz` and prefix `acc` make `acc-7.csv.gz`."""
        return companion.prefix + file_name.removeprefix(self.prefix)


_TRANSACTIONS = tuple(
    """id method from_tag to_tag callid sip_code sip_reason time src_user src_domain src_ip
    dst_ouser dst_user dst_domain""".split()
)

SOURCES = {
    source.name: source
    for source in (
        Source("connexcs", CONNEXCS_FIGURES, CONNEXCS_DETAILS),
        Source(
            "kamailio",
            ("start_time", "end_time", "duration", "caller", "callee", "customer", "callid"),
            ("id", "vendor"),
            pattern="acc_cdrs*.csv",
            prefix="acc_cdrs",
            companions=(
                Companion("acc", "acc", _TRANSACTIONS),
                Companion("missed_calls", "missed_calls", _TRANSACTIONS),
            ),
        ),
        Source(
            "asterisk",
            tuple(
                """accountcode src dst dcontext clid channel dstchannel lastapp lastdata start
                answer end duration billsec disposition amaflags""".split()
            ),
            ("uniqueid", "userfield"),
            header=False,
            local_times=True,
        ),
        Source(
            "freeswitch",
            tuple(
                """caller_id_name caller_id_number destination_number context start_stamp
                answer_stamp end_stamp duration billsec hangup_cause uuid bleg_uuid accountcode
                read_codec write_codec""".split()
            ),
            header=False,
            local_times=True,
        ),
    )
}
