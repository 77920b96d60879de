"""RESULTS.md from figures."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path
from typing import Any

from bench.everyday import READS, Measured

LAYER_NOTE = "User and system time of one thread; commits without a flush. HTTP (reading, Falcon, writing) comes on top: see the CPU column above."


def plain(figures: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of everyday.compare as JSON can hold them."""
    out: dict[str, Any] = {"flush": figures["flush"]}
    for name, measured in figures.items():
        if isinstance(measured, Measured):
            out[name] = {
                "calls": {f"{call}|{count}": list(result) for (call, count), result in measured.calls.items()},
                "big": list(measured.big), "memory": [mib for _, mib in measured.memory], "ready": measured.ready,
            }  # fmt: skip
    return out


def _machine() -> str:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "?",
    )
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release()}, Python {platform.python_version()}"


def text(figures: dict[str, Any]) -> str:
    """Return the whole page."""
    today = datetime.datetime.now(datetime.UTC).date()
    parts = [
        "# Figures\n",
        f"Written by `make bench` on {today}; {_machine()}. The machine is noisy and the load generator shares it: read ratios, "
        "not absolute figures. Load by wrk, one thread; every server was measured in the same run, turn by turn (moto by itself), the best of two rounds.\n",
    ]
    if "everyday" in figures:
        parts.append(_everyday(figures["everyday"]))
    if "layers" in figures:
        parts.append(_layers(figures["layers"]))
    if "journal" in figures:
        parts.append(_journal(figures["journal"]))
    if "polls" in figures:
        polls = figures["polls"]
        parts.append(
            "## Queues under stress\n\n"
            f"- 30 consumers, receive: {polls['shallow']:.1f} ms median on a shallow queue, {polls['deep']:.1f} ms with 10,000 messages in it.\n"
            f"- 1,000 idle long polls: {polls['idle']:.1%} of one core over 30 s.\n"
        )
    return "\n".join(parts)


def _everyday(figures: dict[str, Any]) -> str:
    servers = [name for name in figures if name != "flush"]
    peers = [name for name in servers if not name.startswith("cairn")]
    flush = figures["flush"]
    out = [
        "## Everyday calls\n",
        "Requests a second; in brackets p50 / p99 in ms, and the server's CPU in µs a request.\n",
    ]
    out.append("| call | connections | " + " | ".join(servers) + " |")
    out.append("| --- | --- |" + " --- |" * len(servers))
    keys = list(figures[servers[0]]["calls"])
    for key in keys:
        call, count = key.split("|")
        cells = []
        for name in servers:
            rate, median, p99, errors, cpu = figures[name]["calls"][key]
            cells.append(
                f"{rate:,.0f} ({median:.2f} / {p99:.2f}; {cpu:.0f} µs{f'; {errors} errors' if errors else ''})"
            )
        out.append(f"| {call} | {count} | " + " | ".join(cells) + " |")
    out.append("\nRatios to peers, and what was to be reached:\n")
    out.append(
        "| call | connections | "
        + " | ".join(f"strict / {p}" for p in peers)
        + " | "
        + " | ".join(f"relaxed / {p}" for p in peers)
        + " | goal against ministack | p99 / median (strict) |"
    )
    out.append("| --- | --- |" + " --- |" * (2 * len(peers) + 2))
    for key in keys:
        call, count = key.split("|")
        cells = []
        for ours in ("cairn strict", "cairn relaxed"):
            for name in peers:
                theirs = figures[name]["calls"][key][0]
                cells.append(f"{figures[ours]['calls'][key][0] / theirs:.2f}" if theirs else "none answered")
        if call in READS:
            goal = "4"
        else:
            bound = ""
            if "ministack" in peers:
                allowed = 0.6 * int(count) / flush
                bound = (
                    f", or {allowed:,.0f}/s (0.6 of the disk)"
                    if allowed < 1.2 * figures["ministack"]["calls"][key][0]
                    else ""
                )
            goal = f"strict 1.2{bound}; relaxed 2.5"
        strict = figures["cairn strict"]["calls"][key]
        out.append(
            f"| {call} | {count} | " + " | ".join(cells) + f" | {goal} | {strict[2] / max(strict[1], 0.001):.1f} |"
        )
    out.append(f"\nOne flush of a small commit on this disk: {flush * 1000:.2f} ms.\n")
    out.append("| | " + " | ".join(servers) + " |\n| --- |" + " --- |" * len(servers))
    out.append("| S3 100 MiB up, MB/s | " + " | ".join(f"{figures[n]['big'][0]:,.0f}" for n in servers) + " |")
    out.append("| S3 100 MiB down, MB/s | " + " | ".join(f"{figures[n]['big'][1]:,.0f}" for n in servers) + " |")
    out.append("| start to first answer, s | " + " | ".join(f"{figures[n]['ready']:.2f}" for n in servers) + " |")
    out.append(
        "| resident MiB by process, everyday services in use | "
        + " | ".join(", ".join(f"{m:.0f}" for m in figures[n]["memory"]) for n in servers)
        + " |"
    )
    return "\n".join(out) + "\n"


def _layers(figures: dict[str, Any]) -> str:
    calls = list(figures)
    out = [
        "## CPU by layer\n",
        f"Microseconds a request. {LAYER_NOTE}\n",
        "| layer | " + " | ".join(calls) + " |",
        "| --- |" + " --- |" * len(calls),
    ]
    for layer in figures[calls[0]]:
        out.append(f"| {layer} | " + " | ".join(f"{figures[call][layer]:.1f}" for call in calls) + " |")
    out.append("| all | " + " | ".join(f"{sum(figures[call].values()):.0f}" for call in calls) + " |")
    return "\n".join(out) + "\n"


def _journal(figures: dict[str, Any]) -> str:
    out = ["## The journal\n"]
    out.append("| append: event, chain, call, index, one record | journal | the same bytes into raw LMDB | ratio |")
    out.append("| --- | --- | --- | --- |")
    for case, (ours, raw) in figures["append"].items():
        out.append(f"| {case} | {ours:,.0f}/s | {raw:,.0f}/s | {ours / raw:.2f} |")
    out.append("")
    out.append(f"- Replay: {figures['replay']:,.0f} SQS events a second on one core.")
    out.append(
        f"- Fork of a 20,000-event stack: {figures['fork'][0] * 1000:.0f} ms at the head, {figures['fork'][1] * 1000:.0f} ms in the middle."
    )
    if "restart" in figures:
        empty, long = figures["restart"]
        out.append(
            f"- `cairn start` to the first answered call: {empty:.2f} s without a journal, {long:.2f} s with 1,000,000 events (ratio {long / empty:.2f})."
        )
    return "\n".join(out) + "\n"
