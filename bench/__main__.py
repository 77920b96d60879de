"""`python -m bench`: measure, print as it goes, and write bench/RESULTS.md."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from bench import everyday, journal_speed, layers, polls, report
from bench.servers import WORK

PARTS = ("everyday", "layers", "journal", "polls")


def main() -> None:
    """Run the parts asked for; figures of parts that were not run are kept from the last run."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="run this part alone (may be repeated)")
    parser.add_argument("--seconds", type=int, default=5, help="seconds a load lasts")
    parser.add_argument("--rounds", type=int, default=2, help="how often each load is run; the best counts")
    parser.add_argument("--connections", type=int, nargs="*", default=[8, 32])
    parser.add_argument("--peers", nargs="*", default=["ministack", "moto"])
    parser.add_argument("--short", action="store_true", help="leave out the journal of a million events")
    chosen = parser.parse_args()
    say = Console(highlight=False, soft_wrap=True).print
    WORK.mkdir(exist_ok=True)
    kept = WORK / "figures.json"
    figures = json.loads(kept.read_text()) if kept.exists() else {}
    wanted = chosen.only or PARTS
    if "layers" in wanted:
        figures["layers"] = layers.figures(say)
    if "journal" in wanted:
        figures["journal"] = journal_speed.figures(say, long=not chosen.short)
    if "polls" in wanted:
        figures["polls"] = polls.figures(say)
    if "everyday" in wanted:
        figures["everyday"] = report.plain(
            everyday.compare(chosen.seconds, tuple(chosen.connections), chosen.rounds, chosen.peers, say)
        )
    kept.write_text(json.dumps(figures, indent=1))
    results = Path(__file__).parent / "RESULTS.md"
    results.write_text(report.text(figures))
    say(f"written to {results}")


if __name__ == "__main__":
    main()
