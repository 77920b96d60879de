"""The event store: LMDB environments, events, tables, blobs, cursors, archives and forks. Knows nothing of AWS."""

from journal.events import Envelope, Event
from journal.projection import PROJECTIONS, Projection, Tables, fold, projection
from journal.tables import Record, Rows, Table
from journal.upcast import upcaster
from journal.values import Blob, Content

State = Tables  # what handlers get: the same tables, which they only read

__all__ = [
    "PROJECTIONS", "Blob", "Content", "Envelope", "Event", "Projection", "Record", "Rows", "State", "Table", "Tables",
    "fold", "projection", "upcaster",
]  # fmt: skip
