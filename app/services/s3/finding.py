"""Finding the version of an object that a call means, and its content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.http import FileBody
from app.services import AwsError, Blob, Call, State
from app.services.s3.places import invalid_argument
from projections.s3 import NULL, Bucket, Piece, StoredObject, null_versions, objects, parts, versions


def no_such_key(key: str, headers: dict[str, str] | None = None) -> AwsError:
    """Return the error for a key without a current version."""
    return AwsError("NoSuchKey", "The specified key does not exist.", status=404, headers=headers, Key=key)


def no_such_version(key: str, version: str) -> AwsError:
    """Return the error for a version that is not there."""
    return AwsError("NoSuchVersion", "The specified version does not exist.", status=404, Key=key, VersionId=version)


def marker_in_the_way(call: Call, record: StoredObject) -> AwsError:
    """Return the error for reading a delete marker by its version id."""
    return AwsError(
        "MethodNotAllowed", "The specified method is not allowed against this resource.", status=405,
        headers={"x-amz-delete-marker": "true", "x-amz-version-id": record.version, "Allow": "DELETE"},
        Method=METHODS.get(call.operation, "GET"), ResourceType="DeleteMarker",
    )  # fmt: skip


METHODS = {"HeadObject": "HEAD", "PutObjectTagging": "PUT", "DeleteObjectTagging": "DELETE", "PutObjectAcl": "PUT"}


def version_row(state: State, bucket: Bucket, key: str, version: str) -> StoredObject | None:
    """Return a version by its id, delete markers included."""
    current = state[objects].get(bucket.id, key)
    if current is not None and current.version == version:
        return current
    sort = version
    if version == NULL:
        null = state[null_versions].get(bucket.id, key)
        if null is None:
            return None
        sort = null.sort
    return state[versions].get(bucket.id, key, sort)


def newest(state: State, bucket: Bucket, key: str) -> StoredObject | None:
    """Return a key's newest version, a delete marker too."""
    current = state[objects].get(bucket.id, key)
    if current is None and bucket.versioning:
        return next(state[versions].records(bucket.id, key), None)
    return current


def find_version(call: Call, state: State, bucket: Bucket) -> StoredObject:
    """Return the version that Key and VersionId mean.

    Errors: NoSuchKey, NoSuchVersion (404); MethodNotAllowed (405) where it is a delete marker; InvalidArgument.
    """
    params = call.params
    key, version = params["Key"], params.get("VersionId")
    if version is None:
        current = state[objects].get(bucket.id, key)
        if current is not None:
            return current
        if bucket.versioning:
            marker = next(state[versions].records(bucket.id, key), None)
            if marker is not None:
                headers = {"x-amz-delete-marker": "true", "x-amz-version-id": marker.version}
                raise no_such_key(key, headers)
        raise no_such_key(key)
    check_version_id(version)
    found = version_row(state, bucket, key, version)
    if found is None:
        raise no_such_version(key, version)
    if found.marker:
        raise marker_in_the_way(call, found)
    return found


def check_version_id(version: str) -> None:
    """Refuse what is no version id at all. Errors: InvalidArgument."""
    if not version:
        raise invalid_argument("Version id cannot be the empty string", "versionId", version)
    if version != NULL and (len(version) != 32 or not version.isalnum()):
        raise invalid_argument("Invalid version id specified", "versionId", version)


def pieces_of(state: State, bucket_id: int, record: StoredObject) -> list[Piece]:
    """Return a version's content as pieces of contents, in order."""
    if not record.upload:
        return [(record.content, 0, record.size)]
    return [piece for part in state[parts].records(bucket_id, record.upload) for piece in part.pieces]


def cut(pieces: list[Piece], first: int, length: int) -> list[Piece]:
    """Return the pieces of a range of what pieces make up."""
    taken: list[Piece] = []
    for content, offset, size in pieces:
        if length <= 0:
            break
        if first >= size:
            first -= size
            continue
        take = min(size - first, length)
        taken.append((content, offset + first, take))
        length -= take
        first = 0
    return taken


class MixedBody:
    """A body of which some lies in files and some is at hand."""

    def __init__(self, pieces: list[tuple[str | bytes, int, int]]) -> None:
        self._pieces = pieces
        self.length = sum(length for _, _, length in pieces)

    def __iter__(self) -> Iterator[bytes]:
        for content, offset, length in self._pieces:
            if isinstance(content, bytes):
                yield content[offset : offset + length]
            else:
                yield from FileBody([(content, offset, length)])


def body_of(state: State, pieces: list[Piece]) -> Any:
    """Return what answers with these pieces; each file is checked against its hash first. Raises BlobCorrupt."""
    content, offset, length = pieces[0]
    if len(pieces) == 1 and isinstance(content, bytes):
        return content if offset == 0 and length == len(content) else content[offset : offset + length]
    store: Any = state.blobs
    found: list[tuple[str | bytes, int, int]] = []
    mixed = False
    for content, offset, length in pieces:
        if isinstance(content, Blob):
            store.check(content)
            found.append((store.path(content), offset, length))
        else:
            mixed = True
            found.append((content, offset, length))
    return (
        MixedBody(found) if mixed else FileBody([(path, at, size) for path, at, size in found if isinstance(path, str)])
    )


def read_whole(state: State, pieces: list[Piece]) -> bytes:
    """Return the bytes of a few small pieces."""
    return b"".join(
        [state.blobs.read(content)[offset : offset + length] if isinstance(content, Blob) else content[offset : offset + length]
         for content, offset, length in pieces]
    )  # fmt: skip
