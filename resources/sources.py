"""The switches whose files we read: one declaration each, beside `sql/sources/<name>.sql`.

A declaration says what a file of the source looks like; the SQL says what its columns mean.
Reading the files is `resources.intake`.
"""

import re
from collections.abc import Sequence
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


_ROTATED = re.compile(r"(?<=[.]csv)[.-][0-9][0-9_-]*$")
"""`Master.csv.1` and `Master.csv-20260306` of logrotate, `Master.csv.2026-03-06-00-00-00`."""


@dataclass(frozen=True)
class Companion:
    """A file that lies beside the calls and tells more of them."""

    relation: str
    prefix: str
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """What a file of one source looks like.

    Of a file with a header `columns` are required, and `optional` may be there. A record of one
    without has `columns` in this order, and one of the `tails` behind them; these are of different
    lengths. `pattern` tells which files of the source's folder hold calls. `again`: its SQL reads
    the records more than once.
    """

    name: str
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    tails: tuple[tuple[str, ...], ...] = ((),)
    header: bool = True
    delimiter: str = ","
    pattern: str = "*.csv"
    local_times: bool = False
    prefix: str = ""
    companions: tuple[Companion, ...] = ()
    again: bool = False

    def columns_of(self, record: Sequence[str]) -> list[str] | None:
        """The columns of a file without header that has such a record; None if none has."""
        for tail in self.tails:
            if len(record) == len(self.columns) + len(tail):
                return [*self.columns, *tail]
        return None

    def holds_calls(self, file_name: str) -> bool:
        """Whether a file of this name in the source's folder is one of calls, zipped or not.

        In any case of letters, but for the prefix: companions are found by it. With a rotation's
        number or date behind it, too.
        """
        name = _ROTATED.sub("", file_name.lower().removesuffix(".gz"))
        return file_name.startswith(self.prefix) and fnmatch(name, self.pattern)

    def is_companion(self, file_name: str) -> bool:
        """Whether a file of this name belongs to one of calls."""
        return any(file_name.startswith(companion.prefix) for companion in self.companions)

    def companion_name(self, file_name: str, companion: Companion) -> str:
        """`acc_cdrs-7.csv.gz` and prefix `acc` make `acc-7.csv.gz`."""
        return companion.prefix + file_name.removeprefix(self.prefix)


_TRANSACTIONS = ("id", "method", "to_tag", "callid", "sip_code", "sip_reason", "time")
_TRANSACTION_DETAILS = ("src_ip", "dst_ouser")  # of `db_extra`, as Kamailio's own example has it

_SINCE_ASTERISK_1_8 = ("peeraccount", "linkedid", "sequence")

SOURCES = {
    source.name: source
    for source in (
        Source("connexcs", CONNEXCS_FIGURES, CONNEXCS_DETAILS),
        Source(
            "kamailio",
            ("start_time", "end_time", "duration", "caller", "callee", "customer", "callid"),
            ("id", "vendor"),
            pattern="acc_cdrs*.csv",
            local_times=True,
            prefix="acc_cdrs",
            companions=(
                Companion("acc", "acc", _TRANSACTIONS, _TRANSACTION_DETAILS),
                Companion("missed_calls", "missed_calls", _TRANSACTIONS, _TRANSACTION_DETAILS),
            ),
            again=True,
        ),
        Source(
            "asterisk",
            tuple(
                """accountcode src dst dcontext clid channel dstchannel lastapp lastdata start
                answer end duration billsec disposition amaflags""".split()
            ),
            ("uniqueid", "userfield", "uniqueid_or_userfield"),
            tails=(  # by loguniqueid, loguserfield and newcdrcolumns
                (),
                ("uniqueid_or_userfield",),
                ("uniqueid", "userfield"),
                _SINCE_ASTERISK_1_8,
                ("uniqueid_or_userfield", *_SINCE_ASTERISK_1_8),
                ("uniqueid", "userfield", *_SINCE_ASTERISK_1_8),
            ),
            header=False,
            local_times=True,
            again=True,
        ),
        Source(
            "freeswitch",
            tuple(
                """caller_id_name caller_id_number destination_number context start_stamp
                answer_stamp end_stamp duration billsec hangup_cause uuid bleg_uuid
                accountcode""".split()
            ),
            tails=(
                (),  # the template `default`
                ("read_codec", "write_codec"),  # `example`
                ("read_codec", "write_codec", "sip_user_agent", "sip_p_rtp_stat"),  # `linksys`
                tuple(
                    """read_codec write_codec sip_user_agent call_clientcode sip_rtp_rxstat
                    sip_rtp_txstat sofia_record_file""".split()  # `snom`
                ),
            ),
            header=False,
            local_times=True,
        ),
    )
}
