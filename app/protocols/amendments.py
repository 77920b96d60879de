"""What today's service models no longer say, and older clients' protocols still need: data laid over the models.

SQS was a query service until 2023; its current model keeps neither the names that protocol used on the wire nor the
errors' codes. They are here as the last query model had them (botocore 1.29.126 and the SQS API reference,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/). `xmlName` is a name that the query protocol
uses and JSON does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

SQS_LIST_MEMBERS = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BatchResultErrorEntryList": "BatchResultErrorEntry",
    "BinaryList": "BinaryListValue",
    "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
    "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
    "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
    "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
    "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageList": "Message",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "QueueUrlList": "QueueUrl",
    "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
    "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
}

SQS_MAPS = {
    "MessageBodyAttributeMap": ("Name", "Value"),
    "MessageBodySystemAttributeMap": ("Name", "Value"),
    "MessageSystemAttributeMap": ("Name", "Value"),
    "QueueAttributeMap": ("Name", "Value"),
    "TagMap": ("Key", "Value"),
}

SQS_MAP_MEMBERS = {
    ("CreateQueueRequest", "Attributes"): "Attribute",
    ("CreateQueueRequest", "tags"): "Tag",
    ("GetQueueAttributesResult", "Attributes"): "Attribute",
    ("ListQueueTagsResult", "Tags"): "Tag",
    ("Message", "Attributes"): "Attribute",
    ("Message", "MessageAttributes"): "MessageAttribute",
    ("MessageAttributeValue", "BinaryListValues"): "BinaryListValue",
    ("MessageAttributeValue", "StringListValues"): "StringListValue",
    ("MessageSystemAttributeValue", "BinaryListValues"): "BinaryListValue",
    ("MessageSystemAttributeValue", "StringListValues"): "StringListValue",
    ("SendMessageBatchRequestEntry", "MessageAttributes"): "MessageAttribute",
    ("SendMessageBatchRequestEntry", "MessageSystemAttributes"): "MessageSystemAttribute",
    ("SendMessageRequest", "MessageAttributes"): "MessageAttribute",
    ("SendMessageRequest", "MessageSystemAttributes"): "MessageSystemAttribute",
    ("SetQueueAttributesRequest", "Attributes"): "Attribute",
    ("TagQueueRequest", "Tags"): "Tag",
}

SQS_ERRORS = {
    "BatchEntryIdsNotDistinct": ("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400),
    "BatchRequestTooLong": ("AWS.SimpleQueueService.BatchRequestTooLong", 400),
    "EmptyBatchRequest": ("AWS.SimpleQueueService.EmptyBatchRequest", 400),
    "InvalidBatchEntryId": ("AWS.SimpleQueueService.InvalidBatchEntryId", 400),
    "KmsAccessDenied": ("KMS.AccessDeniedException", 400),
    "KmsDisabled": ("KMS.DisabledException", 400),
    "KmsInvalidKeyUsage": ("KMS.InvalidKeyUsageException", 400),
    "KmsInvalidState": ("KMS.InvalidStateException", 400),
    "KmsNotFound": ("KMS.NotFoundException", 400),
    "KmsOptInRequired": ("KMS.OptInRequired", 403),
    "KmsThrottled": ("KMS.ThrottlingException", 400),
    "MessageNotInflight": ("AWS.SimpleQueueService.MessageNotInflight", 400),
    "OverLimit": ("OverLimit", 403),
    "PurgeQueueInProgress": ("AWS.SimpleQueueService.PurgeQueueInProgress", 403),
    "QueueDeletedRecently": ("AWS.SimpleQueueService.QueueDeletedRecently", 400),
    "QueueDoesNotExist": ("AWS.SimpleQueueService.NonExistentQueue", 400),
    "QueueNameExists": ("QueueAlreadyExists", 400),
    "RequestThrottled": ("RequestThrottled", 403),
    "ResourceNotFoundException": ("ResourceNotFoundException", 404),
    "TooManyEntriesInBatchRequest": ("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400),
    "UnsupportedOperation": ("AWS.SimpleQueueService.UnsupportedOperation", 400),
}


def _sqs() -> dict[str, Any]:
    shapes: dict[str, Any] = {}
    for name, element in SQS_LIST_MEMBERS.items():
        shapes[name] = {"member": {"xmlName": element}}
    for name, (key, value) in SQS_MAPS.items():
        shapes[name] = {"key": {"xmlName": key}, "value": {"xmlName": value}}
    for (name, member), element in SQS_MAP_MEMBERS.items():
        shapes.setdefault(name, {"members": {}})["members"][member] = {"xmlName": element}
    for name, (code, status) in SQS_ERRORS.items():
        shapes[name] = {"error": {"code": code, "httpStatusCode": status}}
    return {"metadata": {"xmlNamespace": "http://queue.amazonaws.com/doc/2012-11-05/"}, "shapes": shapes}


AMENDMENTS: Mapping[str, Mapping[str, Any]] = {
    "sqs": _sqs(),
    "s3": {"metadata": {"xmlNamespace": S3_NAMESPACE}},
    "ec2": {"metadata": {"xmlNamespace": "http://ec2.amazonaws.com/doc/2016-11-15/"}},
}

# The element around a rest-xml answer is not in the models: S3's own names, as its API reference shows them.
# Elsewhere (Route 53, CloudFront) it is the output shape's name.
XML_ROOTS: Mapping[tuple[str, str], str] = {
    ("s3", "CompleteMultipartUpload"): "CompleteMultipartUploadResult",
    ("s3", "CreateMultipartUpload"): "InitiateMultipartUploadResult",
    ("s3", "CreateSession"): "CreateSessionResult",
    ("s3", "DeleteObjects"): "DeleteResult",
    ("s3", "GetBucketAccelerateConfiguration"): "AccelerateConfiguration",
    ("s3", "GetBucketAcl"): "AccessControlPolicy",
    ("s3", "GetBucketCors"): "CORSConfiguration",
    ("s3", "GetBucketLifecycle"): "LifecycleConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "LifecycleConfiguration",
    ("s3", "GetBucketLocation"): "LocationConstraint",
    ("s3", "GetBucketLogging"): "BucketLoggingStatus",
    ("s3", "GetBucketNotification"): "NotificationConfiguration",
    ("s3", "GetBucketNotificationConfiguration"): "NotificationConfiguration",
    ("s3", "GetBucketRequestPayment"): "RequestPaymentConfiguration",
    ("s3", "GetBucketTagging"): "Tagging",
    ("s3", "GetBucketVersioning"): "VersioningConfiguration",
    ("s3", "GetBucketWebsite"): "WebsiteConfiguration",
    ("s3", "GetObjectAcl"): "AccessControlPolicy",
    ("s3", "GetObjectAttributes"): "GetObjectAttributesResponse",
    ("s3", "GetObjectTagging"): "Tagging",
    ("s3", "ListBucketAnalyticsConfigurations"): "ListBucketAnalyticsConfigurationResult",
    ("s3", "ListBucketIntelligentTieringConfigurations"): "ListBucketIntelligentTieringConfigurationsOutput",
    ("s3", "ListBucketInventoryConfigurations"): "ListInventoryConfigurationsResult",
    ("s3", "ListBucketMetricsConfigurations"): "ListMetricsConfigurationsResult",
    ("s3", "ListBuckets"): "ListAllMyBucketsResult",
    ("s3", "ListDirectoryBuckets"): "ListAllMyDirectoryBucketsResult",
    ("s3", "ListMultipartUploads"): "ListMultipartUploadsResult",
    ("s3", "ListObjectVersions"): "ListVersionsResult",
    ("s3", "ListObjects"): "ListBucketResult",
    ("s3", "ListObjectsV2"): "ListBucketResult",
    ("s3", "ListParts"): "ListPartsResult",
}

# S3 answers these with nothing but the one member's text inside the root element.
XML_BARE_MEMBER: Mapping[tuple[str, str], str] = {("s3", "GetBucketLocation"): "LocationConstraint"}
