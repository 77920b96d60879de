"""What is known of DynamoDB: tables, items, index entries, and the tokens of transactions."""

from journal import projection
from projections.dynamodb import keys, numbers
from projections.dynamodb.items import (
    Item,
    ItemDeleted,
    ItemPut,
    ItemUpdated,
    Size,
    entries,
    index_place,
    index_size,
    items,
    projected_names,
    sizes,
)
from projections.dynamodb.shapes import Index, TableShape, shapes
from projections.dynamodb.sizes import Attributes, Value, item_size, text_size
from projections.dynamodb.tables import (
    DeletionProtectionChanged,
    EncryptionChanged,
    IndexCreated,
    IndexDeleted,
    RecoveryChanged,
    StreamDisabled,
    StreamEnabled,
    TableClassChanged,
    TableCreated,
    TableDeleted,
    TableDetails,
    TableTagged,
    TableUntagged,
    ThroughputChanged,
    TimeToLiveChanged,
    details,
)
from projections.dynamodb.transactions import REMEMBERED, TransactionCommitted, tokens

projection("dynamodb", version=1)

__all__ = [
    "REMEMBERED", "Attributes", "DeletionProtectionChanged", "EncryptionChanged", "Index", "IndexCreated",
    "IndexDeleted", "Item", "ItemDeleted", "ItemPut", "ItemUpdated", "RecoveryChanged", "Size", "StreamDisabled",
    "StreamEnabled", "TableClassChanged", "TableCreated", "TableDeleted", "TableDetails", "TableShape",
    "TableTagged", "TableUntagged", "ThroughputChanged", "TimeToLiveChanged", "TransactionCommitted", "Value",
    "details", "entries", "index_place", "index_size", "item_size", "items", "keys", "numbers", "projected_names",
    "shapes", "sizes", "text_size", "tokens",
]  # fmt: skip
