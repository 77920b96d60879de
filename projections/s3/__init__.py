"""What is known of S3: buckets and their configuration, objects and their versions, multipart uploads.

Rows of a bucket are keyed by its `id` (the seq of its creation), so that a bucket created again under an old name sees
nothing of its predecessor.
"""

from journal import projection

projection("s3", version=1)

from projections.s3.buckets import (  # noqa: E402
    Bucket,
    BucketConfigured,
    BucketCreated,
    BucketDeleted,
    BucketUnconfigured,
    Configuration,
    OwnedBucket,
    buckets,
    configurations,
    owned,
)
from projections.s3.changes import (  # noqa: E402
    ObjectAclSet,
    ObjectHeld,
    ObjectRetained,
    ObjectTagged,
)
from projections.s3.objects import (  # noqa: E402
    NULL,
    DeleteMarkerCreated,
    ObjectDeleted,
    ObjectStored,
    Piece,
    StoredObject,
    null_versions,
    objects,
    order_text,
    sort_text,
    versions,
)
from projections.s3.uploads import (  # noqa: E402
    Completion,
    Part,
    PartStored,
    Upload,
    UploadAborted,
    UploadCompleted,
    UploadStarted,
    completions,
    parts,
    uploads,
)

__all__ = [
    "NULL", "Bucket", "BucketConfigured", "BucketCreated", "BucketDeleted", "BucketUnconfigured", "Completion",
    "Configuration", "DeleteMarkerCreated", "ObjectAclSet", "ObjectDeleted", "ObjectHeld", "ObjectRetained",
    "ObjectStored", "ObjectTagged", "OwnedBucket", "Part", "PartStored", "Piece", "StoredObject", "Upload",
    "UploadAborted",
    "UploadCompleted", "UploadStarted", "buckets", "completions", "configurations", "null_versions", "objects",
    "order_text", "owned", "parts", "sort_text", "uploads", "versions",
]  # fmt: skip
