"""What is known of errors and is in no model: S3's statuses, the namespaces of JSON error types, other names."""

from __future__ import annotations

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; codes that answer 400 are left out.
S3_STATUSES = {
    "AccessDenied": 403,
    "AccessPointAlreadyOwnedByYou": 409,
    "AccountProblem": 403,
    "AllAccessDisabled": 403,
    "AuthorizationHeaderMalformed": 400,
    "BucketAlreadyExists": 409,
    "BucketAlreadyOwnedByYou": 409,
    "BucketHasAccessPointsAttached": 409,
    "BucketNotEmpty": 409,
    "ConditionalRequestConflict": 409,
    "CrossLocationLoggingProhibited": 403,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidBucketState": 409,
    "InvalidObjectState": 403,
    "InvalidPayer": 403,
    "InvalidRange": 416,
    "InvalidSecurity": 403,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "NoSuchAccessPoint": 404,
    "NoSuchAnnotation": 404,
    "NoSuchBucket": 404,
    "NoSuchBucketPolicy": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchConfiguration": 404,
    "NoSuchKey": 404,
    "NoSuchLifecycleConfiguration": 404,
    "NoSuchObjectLockConfiguration": 404,
    "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchTagSet": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NoSuchWebsiteConfiguration": 404,
    "NotDeviceOwnerError": 403,
    "NotFound": 404,
    "NotImplemented": 501,
    "NotModified": 304,
    "NotSignedUp": 403,
    "ObjectLockConfigurationNotFoundError": 404,
    "OperationAborted": 409,
    "OwnershipControlsNotFoundError": 404,
    "PermanentRedirect": 301,
    "PreconditionFailed": 412,
    "Redirect": 307,
    "ReplicationConfigurationNotFoundError": 404,
    "RequestTimeTooSkewed": 403,
    "RestoreAlreadyInProgress": 409,
    "ServerSideEncryptionConfigurationNotFoundError": 404,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
    "TemporaryRedirect": 307,
    "UnauthorizedAccess": 403,
    "UnsupportedMediaType": 415,
}

# What every service may answer (https://docs.aws.amazon.com/general/latest/gr/api-error-codes.html), where not 400.
COMMON_STATUSES = {
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
    "NotImplemented": 501,
}

# The part of a JSON error's __type before its "#". Services that are not here send the bare name.
TYPE_NAMESPACES = {
    "cloudwatch": "com.amazonaws.cloudwatch",
    "dynamodb": "com.amazonaws.dynamodb.v20120810",
    "dynamodbstreams": "com.amazonaws.dynamodb.v20120810",
    "sqs": "com.amazonaws.sqs",
}

# Of the services above, errors that come from the framework in front of the service.
FRAMEWORK_NAMESPACES = {
    "AccessDeniedException": "com.amazon.coral.service",
    "IncompleteSignatureException": "com.amazon.coral.service",
    "InternalFailure": "com.amazon.coral.service",
    "InvalidParameterValueException": "com.amazon.coral.service",
    "InvalidSignatureException": "com.amazon.coral.service",
    "MissingAuthenticationTokenException": "com.amazon.coral.service",
    "MissingRequiredParameterException": "com.amazon.coral.service",
    "SerializationException": "com.amazon.coral.service",
    "UnknownOperationException": "com.amazon.coral.service",
    "UnrecognizedClientException": "com.amazon.coral.service",
    "ValidationException": "com.amazon.coral.validate",
}

# Framework errors whose message has a capital M.
CAPITAL_MESSAGES = frozenset({"SerializationException", "AccessDeniedException"})

# Names that JSON gives to errors whose query code is in no model of the service.
JSON_NAMES = {
    "InvalidParameterCombination": "InvalidParameterCombinationException",
    "InvalidParameterValue": "InvalidParameterValueException",
    "MissingParameter": "MissingRequiredParameterException",
}
