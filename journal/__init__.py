"""The event store: LMDB environments, events, tables, blobs, cursors, archives and forks. Knows nothing of AWS."""

from journal.blobs import BlobCorrupt, BlobStore, BlobWriter
from journal.environment import Closed, Durability, StorageFull, file_system_warning
from journal.events import Envelope, Event
from journal.log import Journal, JournalDamaged, JournaledCall, NewerFormat, StaleProjection, View, Writer
from journal.projection import PROJECTIONS, Projection, Tables, fold, projection
from journal.stack_events import Clock, ClockMoved, ServiceReset
from journal.tables import Record, Rows, Table
from journal.upcast import upcaster
from journal.values import Blob, Content

State = Tables  # what handlers get: the same tables, which they only read

__all__ = [
    "PROJECTIONS", "Blob", "BlobCorrupt", "BlobStore", "BlobWriter", "Clock", "ClockMoved", "Closed", "Content",
    "Durability", "Envelope", "Event", "Journal", "JournalDamaged", "JournaledCall", "NewerFormat", "Projection",
    "Record", "Rows", "ServiceReset", "StaleProjection", "State", "StorageFull", "Table", "Tables", "View", "Writer",
    "file_system_warning", "fold", "projection", "upcaster",
]  # fmt: skip
