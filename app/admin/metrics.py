"""/_cairn/metrics: the counters of all workers, as Prometheus reads them.

Each process saves its own (app/observing.py). Those of processes that ended are folded into one file, so that a counter
never goes back while the server runs; a new server begins at nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import falcon
import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from app.admin.about import started, version
from app.engine import Engine
from app.observing import BUCKETS, FORMAT, Observed
from app.stacks import Served

if TYPE_CHECKING:
    from app.edge import Edge

PAST = "metrics-past.json"
_SAVED = re.compile(r"metrics-(\d+)\.json\Z")
_SUMS = ("batches", "commands", "events", "commit_seconds")
_MOST = "largest_batch"

Row = tuple[str, str, int, list[float]]  # service, operation, status, and what observing counts


def mount(app: falcon.App, edge: Edge) -> None:
    """Add the route, and let the engines' measures be saved with the calls'."""
    from app import worker

    edge.observed.measures = EngineMeasures(edge.served)
    worker.on_stopping.append(edge.observed.finish)
    app.add_route("/_cairn/metrics", Metrics(edge.served, edge.observed))


class EngineMeasures:
    """What this process's engines have counted in all, those of stacks that are gone included."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._seen: weakref.WeakKeyDictionary[Engine, dict[str, float]] = weakref.WeakKeyDictionary()
        self._total: dict[str, float] = dict.fromkeys((*_SUMS, _MOST), 0.0)

    def __call__(self) -> dict[str, float]:
        """Return the sums."""
        for _, engine in self._served.open_engines():
            before = self._seen.get(engine, {})
            now = {name: float(getattr(engine.measures, name)) for name in (*_SUMS, _MOST)}
            for name in _SUMS:
                self._total[name] += now[name] - before.get(name, 0.0)
            self._total[_MOST] = max(self._total[_MOST], now[_MOST])
            self._seen[engine] = now
        return dict(self._total)


class Totals:
    """Counters of several processes, added up."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str, int], list[float]] = {}
        self.measures: dict[str, float] = {}

    def add(self, saved: dict[str, Any]) -> None:
        """Add what one process saved."""
        for service, operation, status, *row in saved["calls"]:
            have = self.calls.setdefault((service, operation, status), [0.0] * len(row))
            for at, value in enumerate(row):
                have[at] += value
        for name, value in saved["measures"].items():
            have_so_far = self.measures.get(name, 0.0)
            self.measures[name] = max(have_so_far, value) if name == _MOST else have_so_far + value

    def saved(self, server: int) -> dict[str, Any]:
        """Return the sums in the form that a process saves."""
        rows = [[*key, *row] for key, row in self.calls.items()]
        return {"format": FORMAT, "server": server, "calls": rows, "measures": self.measures}


def gather(folder: Path, server: int) -> Totals:
    """Add up what the processes of a server have saved; fold those that ended into one file, drop other servers'."""
    totals = Totals()
    with _alone(folder):
        past = Totals()
        before = _read(folder / PAST)
        if before is not None and before["server"] == server:
            past.add(before)
        ended = []
        for path in folder.glob("metrics-*.json"):
            match = _SAVED.match(path.name)
            if match is None:
                continue
            saved = _read(path)
            if saved is None or saved["server"] != server:
                ended.append(path)
            elif _runs(int(match[1])):
                totals.add(saved)
            else:
                past.add(saved)
                ended.append(path)
        if ended:
            temporary = folder / f".{PAST}"
            temporary.write_bytes(orjson.dumps(past.saved(server)))
            os.replace(temporary, folder / PAST)
            for path in ended:
                path.unlink(missing_ok=True)
    totals.add(past.saved(server))
    return totals


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no other process fold at the same time."""
    with (folder / "metrics.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, Any] | None:
    try:
        saved: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return saved if isinstance(saved, dict) and saved.get("format") == FORMAT else None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Metrics:
    """The metrics of the whole server."""

    def __init__(self, served: Served, observed: Observed) -> None:
        self._served = served
        self._observed = observed
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Collector(self._families))

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer in Prometheus' text format."""
        resp.content_type = CONTENT_TYPE_LATEST
        resp.data = generate_latest(self._registry)

    def _families(self) -> Iterable[Metric]:
        data = Path(self._served.settings.data)
        self._observed.gather()
        self._observed.save()
        totals = gather(data / "run", os.getppid())
        yield from of_calls(totals)
        yield from of_engines(totals.measures)
        yield from self._of_stacks()
        about = GaugeMetricFamily("cairn_info", "Always 1; its labels say what runs.", labels=("version", "durability"))
        about.add_metric((version(), self._served.settings.durability), 1)
        yield about
        yield GaugeMetricFamily("cairn_uptime_seconds", "Since the server was started.", time.time() - started(data))

    def _of_stacks(self) -> Iterable[Metric]:
        stacks = self._served.stacks
        sizes = GaugeMetricFamily(
            "cairn_journal_bytes", "What a stack takes on the disk, without blobs.", labels=("stack",)
        )
        heads = GaugeMetricFamily("cairn_journal_head", "The last event of a stack in use.", labels=("stack",))
        names = stacks.names()
        for name in names:
            with contextlib.suppress(OSError):
                sizes.add_metric((name,), (stacks.folder(name) / "data.mdb").stat().st_blocks * 512)
        for name, engine in self._served.open_engines():
            if name in names:
                with contextlib.suppress(Exception), engine.journal.view() as view:  # it may be deleted at this moment
                    heads.add_metric((name,), view.head()[0])
        yield sizes
        yield heads
        yield GaugeMetricFamily("cairn_stacks", "Stacks there are.", len(names))


class _Collector:
    """What prometheus-client asks for families."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self.collect = families


def of_calls(totals: Totals) -> Iterable[Metric]:
    """Yield the families about calls."""
    calls = CounterMetricFamily("cairn_calls", "Calls answered.", labels=("service", "operation", "status"))
    latencies = HistogramMetricFamily(
        "cairn_call_seconds", "From a call's arrival to its answer.", labels=("service", "operation")
    )
    by_operation: dict[tuple[str, str], list[float]] = {}
    for (service, operation, status), row in sorted(totals.calls.items()):
        calls.add_metric((service, operation, str(status)), sum(row[:-1]))
        sums = by_operation.setdefault((service, operation), [0.0] * len(row))
        for at, value in enumerate(row):
            sums[at] += value
    bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
    for labels, row in by_operation.items():
        latencies.add_metric(labels, list(zip(bounds, accumulate(row[:-1]), strict=True)), sum_value=row[-1])
    yield calls
    yield latencies


def of_engines(measures: dict[str, float]) -> Iterable[Metric]:
    """Yield the families about commits."""

    def value(name: str) -> float:
        return measures.get(name, 0.0)

    yield CounterMetricFamily("cairn_commits", "Transactions committed to journals.", value("batches"))
    yield CounterMetricFamily("cairn_commit_seconds", "Time spent in them.", value("commit_seconds"))
    yield CounterMetricFamily(
        "cairn_commands", "Commands run in them: their batches' sizes, added up.", value("commands")
    )
    yield CounterMetricFamily("cairn_events", "Events they appended.", value("events"))
    yield GaugeMetricFamily("cairn_largest_batch", "Most commands in one of them.", value(_MOST))
