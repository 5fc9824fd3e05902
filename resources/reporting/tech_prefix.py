"""The Tech Prefix report: quality of traffic by the prefix that customers dial in front.

A declaration only, over Breakout's tables, dimensions and measures.
"""

from __future__ import annotations

from dataclasses import replace

from resources.reporting.breakout import BREAKOUT
from resources.reporting.model import MemberChart

TECH_PREFIX = replace(
    BREAKOUT,
    name="tech-prefix",
    title="Tech Prefix",
    purpose="ASR, ACD, connected calls and attempts by tech prefix.",
    group=("tech_prefix",),
    columns=("tech_prefix", "asr", "acd", "connected", "attempts"),
    machine_columns=("asr", "acd", "connected", "attempts"),
    headline=("attempts", "connected", "asr", "acd", "duration"),
    compared=("asr", "acd", "connected", "attempts"),
    loss=None,
    weight="attempts",
    charts=(
        MemberChart(
            "ASR and ACD by tech prefix",
            dimension="tech_prefix",
            measures=("asr", "acd"),
            weight="attempts",
        ),
    ),
)
