"""Which S3 operation a method, a bucket or key, the query's sub-resource and a few headers mean.

The model says most of it: its requestUris have a level (service, bucket, key) and a sub-resource as static query
(`/{Bucket}?acl`). What it leaves open, because only a parameter or a header tells, is in the tables below.
"""

from __future__ import annotations

from urllib.parse import unquote

from app.http import Request

from .index import lines
from .refusals import UnroutableError

SERVICE, BUCKET, KEY = 0, 1, 2
_LEVELS = {"/": SERVICE, "/{Bucket}": BUCKET, "/{Bucket}/{Key+}": KEY}

# Operations that share method, level and sub-resource with another: the parameter that they have and it has not.
_BY_PARAMETER = {
    "AbortMultipartUpload": "uploadId",
    "GetBucketAnalyticsConfiguration": "id",
    "GetBucketIntelligentTieringConfiguration": "id",
    "GetBucketInventoryConfiguration": "id",
    "GetBucketMetricsConfiguration": "id",
    "GetObjectAnnotation": "annotationName",
    "ListParts": "uploadId",
    "CompleteMultipartUpload": "uploadId",
    "UploadPart": "uploadId",
}
# … or the header.
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}
# Deprecated operations, whose successors have the same requests, and one that only directory buckets' endpoint has.
_NEVER = frozenset(
    {"GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification", "PutBucketNotification"}
    | {"ListDirectoryBuckets", *_COPIES.values()}
)
_NO_SUBRESOURCE = frozenset({"list-type", "select-type", "x-id"})  # parameters that are never out of place


class _Table:
    """The model's operations by (method, level), and below that by sub-resource."""

    def __init__(self) -> None:
        self.plain: dict[tuple[str, int], str] = {}
        self.by_parameter: dict[tuple[str, int], dict[str, str]] = {}
        self.by_subresource: dict[tuple[str, int], dict[str, tuple[str | None, str]]] = {}
        self.after_subresource: dict[str, tuple[str, str]] = {}  # operation -> (parameter, operation with it)
        self.elsewhere: dict[str, set[int]] = {}  # sub-resource -> levels that have it
        bare: dict[tuple[str, int, str], str] = {}
        told_apart: list[tuple[tuple[str, int, str], str]] = []
        for line in lines("s3"):
            method, uri, operation = line.split(" ")
            path, _, static = uri.partition("?")
            if path not in _LEVELS or operation in _NEVER:
                continue
            where = (method, _LEVELS[path], static)
            if operation in _BY_PARAMETER:
                told_apart.append((where, operation))
            else:
                bare[where] = operation
        for (method, level, static), operation in bare.items():
            if not static:
                self.plain[method, level] = operation
                continue
            # ?select&select-type=2: the first is the sub-resource, the rest cannot differ.
            name, _, value = static.split("&")[0].partition("=")
            self.by_subresource.setdefault((method, level), {})[name] = (value or None, operation)
            if name not in _NO_SUBRESOURCE:
                self.elsewhere.setdefault(name, set()).add(level)
        for where, operation in told_apart:
            method, level, static = where
            parameter = _BY_PARAMETER[operation]
            if static:
                self.after_subresource[bare[where]] = (parameter, operation)
            else:
                self.by_parameter.setdefault((method, level), {})[parameter] = operation


_table: _Table | None = None


def split(path: str, bucket: str | None) -> tuple[int, dict[str, str]]:
    """Return the level of a raw path and its labels; keys are kept to the byte.

    Args:
        path: percent-encoded, as on the wire.
        bucket: where the host names one; without, the path's first segment does.
    """
    if bucket is not None:
        return (KEY, {"Bucket": bucket, "Key": path[1:]}) if len(path) > 1 else (BUCKET, {"Bucket": bucket})
    end = path.find("/", 1)
    if end < 0:
        return (BUCKET, {"Bucket": path[1:]}) if len(path) > 1 else (SERVICE, {})
    if end == len(path) - 1:
        return BUCKET, {"Bucket": path[1:end]}
    return KEY, {"Bucket": path[1:end], "Key": path[end + 1 :]}


def operation(request: Request, level: int) -> str:
    """Return the operation that a request on this level means.

    Raises:
        UnroutableError: MethodNotAllowed, or InvalidRequest where a sub-resource belongs to another level.
    """
    global _table
    table = _table
    if table is None:
        table = _table = _Table()
    where = (request.method, level)
    found = _by_query(request, table, where) if request.query else None
    if found is None:
        found = table.plain.get(where)
        if found is None:
            return _without_model(request, level)
    if found in _COPIES and "x-amz-copy-source" in request.headers:
        return _COPIES[found]
    return found


def _by_query(request: Request, table: _Table, where: tuple[str, int]) -> str | None:
    """The operation that the query's sub-resource or parameters mean, if they mean one."""
    parameters: dict[str, str] = {}
    for pair in request.query.split("&"):
        name, _, value = pair.partition("=")
        parameters[unquote(name) if "%" in name else name] = value
    here = table.by_subresource.get(where)
    stray = None
    for name, value in parameters.items():
        if here is not None and name in here:
            wanted, operation = here[name]
            if wanted is None or wanted == value:
                more = table.after_subresource.get(operation)
                return more[1] if more and more[0] in parameters else operation
        elif name in table.elsewhere and (not value or where[1] == BUCKET):  # ?session=1 of a web page is none
            stray = name
    by_parameter = table.by_parameter.get(where)
    if by_parameter is not None:
        for name, operation in by_parameter.items():
            if name in parameters:
                return operation
    if stray is not None and where[1] != SERVICE:
        raise _misplaced(request, where[1], stray, table.elsewhere[stray])
    return None


def _misplaced(request: Request, level: int, name: str, levels: set[int]) -> UnroutableError:
    """A sub-resource that this method or this level does not have: it must not be taken for the plain operation."""
    if level in levels:
        return _not_allowed(request, name.upper().replace("-", ""))
    if level == KEY:
        message = f"Key is not expected for the {request.method} method ?{name} subresource"
    else:
        message = "A key must be specified"
    return UnroutableError("InvalidRequest", message, request=request, service="s3")


def _without_model(request: Request, level: int) -> str:
    """Form uploads, which are in no model, and what S3 says of methods that it does not have."""
    if request.method == "OPTIONS" and level != SERVICE:
        return "Preflight"
    if request.method == "POST" and level == BUCKET:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            return "PostObject"
        raise UnroutableError(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            request=request,
            service="s3",
            status=412,
            Condition="Bucket POST must be of the enclosure-type multipart/form-data",
        )
    raise _not_allowed(request, ("SERVICE", "BUCKET", "OBJECT")[level])


def _not_allowed(request: Request, resource: str) -> UnroutableError:
    return UnroutableError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        request=request,
        service="s3",
        status=405,
        Method=request.method,
        ResourceType=resource,
    )
