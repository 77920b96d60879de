"""S3: buckets, objects, versions, multipart uploads, and buckets' configuration. One module a resource."""

from app.handlers import prepare
from app.protocols import service_model
from app.services.s3 import (
    acls,
    buckets,
    completing,
    configurations,
    copies,
    deletes,
    lists,
    locks,
    object_tags,
    objects,
    policies,
    posts,
    receiving,
    settings,
    uploads,
    wires,
)
from app.services.s3.presigned import guard

# What has a body or headers to look at first does it itself, and calls guard.
_PREPARED = {"PutObject", "UploadPart", "CopyObject", "CreateMultipartUpload"}
prepare("s3", *sorted(service_model("s3").operations - _PREPARED))(guard)

__all__ = [
    "acls", "buckets", "completing", "configurations", "copies", "deletes", "lists", "locks", "object_tags", "objects",
    "policies", "posts", "receiving", "settings", "uploads", "wires",
]  # fmt: skip
