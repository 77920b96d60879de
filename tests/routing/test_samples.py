"""Requests as the SDKs send them, and where they go."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from app.http import BytesBody, Request
from app.routing import route
from tests.routing.asking import FORM, scope

BOTO3 = "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.12.1 md/pyimpl#CPython"
CLI = (
    "aws-cli/2.17.0 md/awscrt#0.20.11 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.11.8 md/command#sqs.send-message"
)
JS = "aws-sdk-js/3.620.0 ua/2.0 os/linux#6.1 lang/js md/nodejs#20.11.1 api/{}#3.620.0"
JAVA = "aws-sdk-java/2.26.20 Linux/6.1 OpenJDK_64-Bit_Server_VM/21 Java/21 io/sync http/Apache cfg/retry-mode/legacy"
GO = "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/{}#1.34.3"
UNSIGNED_PAYLOAD = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@dataclass
class Sample:
    """One request, and the service, operation and protocol that it means."""

    name: str
    request: str  # method and target
    service: str
    operation: str
    protocol: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    labels: dict[str, str] = field(default_factory=dict)
    region: str = "eu-west-1"
    account: str = "000000000000"


def json(version: str, target: str, service: str, agent: str, **more: str) -> dict[str, str]:
    """The headers of a call in a json protocol."""
    sent = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": target, "user-agent": agent}
    return sent | {"authorization": scope(service, headers="content-type;host;x-amz-date;x-amz-target")} | more


def form(service: str | None, agent: str, **more: str) -> dict[str, str]:
    """The headers of a call in a query protocol."""
    signed = {"authorization": scope(service)} if service else {}
    return {"content-type": FORM, "user-agent": agent} | signed | more


def rest(service: str, agent: str, **more: str) -> dict[str, str]:
    """The headers of a call in a REST protocol."""
    return {"user-agent": agent, "authorization": scope(service)} | more


CBOR = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor", "accept": "application/cbor"}
PRESIGNED = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20261124%2Feu-west-1%2F{}%2Faws4_request"

SAMPLES = [
    # json, by X-Amz-Target
    Sample("boto3 sqs", "POST /", "sqs", "SendMessage", "json", json("1.0", "AmazonSQS.SendMessage", "sqs", BOTO3)),
    Sample(
        "js sqs, to the queue's own URL",
        "POST /000000000000/jobs",
        "sqs",
        "ReceiveMessage",
        "json",
        json("1.0", "AmazonSQS.ReceiveMessage", "sqs", JS.format("sqs")),
    ),
    Sample(
        "java dynamodb",
        "POST /",
        "dynamodb",
        "PutItem",
        "json",
        json("1.0", "DynamoDB_20120810.PutItem", "dynamodb", JAVA, host="localhost:4566"),
    ),
    Sample(
        "go dynamodb streams",
        "POST /",
        "dynamodbstreams",
        "GetRecords",
        "json",
        json("1.0", "DynamoDBStreams_20120810.GetRecords", "dynamodb", GO.format("dynamodbstreams")),
    ),
    Sample(
        "cli logs", "POST /", "logs", "PutLogEvents", "json", json("1.1", "Logs_20140328.PutLogEvents", "logs", CLI)
    ),
    Sample("boto3 kms", "POST /", "kms", "Encrypt", "json", json("1.1", "TrentService.Encrypt", "kms", BOTO3)),
    Sample("go events", "POST /", "events", "PutEvents", "json", json("1.1", "AWSEvents.PutEvents", "events", GO)),
    Sample(
        "js step functions, with a prefix on the host",
        "POST /",
        "stepfunctions",
        "StartSyncExecution",
        "json",
        json("1.0", "AWSStepFunctions.StartSyncExecution", "states", JS.format("sfn"), host="sync-localhost:4566"),
    ),
    Sample(
        "java kinesis, whose json is cbor",
        "POST /",
        "kinesis",
        "PutRecord",
        "json",
        json("1.1", "Kinesis_20131202.PutRecord", "kinesis", JAVA) | {"content-type": "application/x-amz-cbor-1.1"},
    ),
    Sample(
        "cognito, unsigned",
        "POST /",
        "cognito-idp",
        "InitiateAuth",
        "json",
        {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth",
            "user-agent": JS.format("cognito-identity-provider"),
            "x-amz-region": "eu-west-1",
        },
    ),
    Sample(
        "timestream, which two services answer, by its host",
        "POST /",
        "timestream-query",
        "DescribeEndpoints",
        "json",
        json(
            "1.0",
            "Timestream_20181101.DescribeEndpoints",
            "timestream",
            BOTO3,
            host="query.timestream.eu-west-1.localhost.localstack.cloud:4566",
        ),
    ),
    Sample(
        "cloudwatch by json, as awsQueryCompatible has it",
        "POST /",
        "cloudwatch",
        "PutMetricData",
        "json",
        json("1.0", "GraniteServiceVersion20100801.PutMetricData", "monitoring", BOTO3),
    ),
    # smithy-rpc-v2-cbor, by path
    Sample(
        "boto3 cloudwatch by cbor",
        "POST /service/GraniteServiceVersion20100801/operation/PutMetricData",
        "cloudwatch",
        "PutMetricData",
        "smithy-rpc-v2-cbor",
        rest("monitoring", BOTO3) | CBOR,
    ),
    Sample(
        "cbor, unsigned, below a prefix",
        "POST /some/prefix/service/Textract/operation/DetectDocumentText",
        "textract",
        "DetectDocumentText",
        "smithy-rpc-v2-cbor",
        CBOR,
        region="us-east-1",
    ),
    # query and ec2, by Action and Version
    Sample(
        "boto3 sts",
        "POST /",
        "sts",
        "GetCallerIdentity",
        "query",
        form("sts", BOTO3),
        b"Action=GetCallerIdentity&Version=2011-06-15",
    ),
    Sample(
        "java sts, Action last",
        "POST /",
        "sts",
        "AssumeRole",
        "query",
        form("sts", JAVA),
        b"RoleArn=arn%3Aaws%3Aiam&RoleSessionName=Action%3DX&Version=2011-06-15&Action=AssumeRole",
    ),
    Sample(
        "sts with a web identity, unsigned",
        "POST /",
        "sts",
        "AssumeRoleWithWebIdentity",
        "query",
        form(None, GO.format("sts")),
        b"Action=AssumeRoleWithWebIdentity&RoleArn=x&Version=2011-06-15&WebIdentityToken=y",
        region="us-east-1",
    ),
    Sample(
        "sts presigned, as EKS tokens are",
        f"GET /?Action=GetCallerIdentity&Version=2011-06-15&{PRESIGNED.format('sts')}",
        "sts",
        "GetCallerIdentity",
        "query",
    ),
    Sample("go iam", "POST /", "iam", "CreateRole", "query", form("iam", GO), b"Action=CreateRole&Version=2010-05-08"),
    Sample(
        "sns", "POST /", "sns", "Publish", "query", form("sns", CLI), b"Action=Publish&Version=2010-03-31&Message=m"
    ),
    Sample("ses", "POST /", "ses", "SendEmail", "query", form("ses", BOTO3), b"Action=SendEmail&Version=2010-12-01"),
    Sample("ses by its host", "POST /", "ses", "SendEmail", "query", form("email", CLI), b"Action=SendEmail"),
    Sample(
        "ec2 of an older version",
        "POST /",
        "ec2",
        "RunInstances",
        "ec2",
        form("ec2", BOTO3),
        b"Action=RunInstances&Version=2014-10-01",
    ),
    Sample(
        "classic load balancers by their version",
        "POST /",
        "elb",
        "DescribeLoadBalancers",
        "query",
        form("elasticloadbalancing", BOTO3),
        b"Action=DescribeLoadBalancers&Version=2012-06-01",
    ),
    Sample(
        "load balancers by their version",
        "POST /",
        "elbv2",
        "DescribeLoadBalancers",
        "query",
        form("elasticloadbalancing", BOTO3),
        b"Action=DescribeLoadBalancers&Version=2015-12-01",
    ),
    Sample(
        "rds, where nothing tells it from neptune",
        "POST /",
        "rds",
        "DescribeDBClusters",
        "query",
        form("rds", BOTO3),
        b"Action=DescribeDBClusters&Version=2014-10-31",
    ),
    Sample(
        "neptune, as go says it",
        "POST /",
        "neptune",
        "DescribeDBClusters",
        "query",
        form("rds", GO.format("neptune")),
        b"Action=DescribeDBClusters&Version=2014-10-31",
    ),
    Sample(
        "beanstalk shares its version with ses",
        "POST /",
        "elasticbeanstalk",
        "CreateApplication",
        "query",
        form(None, BOTO3),
        b"Action=CreateApplication&Version=2010-12-01",
        region="us-east-1",
    ),
    Sample(
        "cloudwatch by query, as of old",
        "POST /",
        "cloudwatch",
        "PutMetricData",
        "query",
        form("monitoring", JAVA),
        b"Action=PutMetricData&Version=2010-08-01",
    ),
    Sample(
        "simpledb with signature version 2",
        "GET /?AWSAccessKeyId=000000000007&Action=Select&SignatureVersion=2&Signature=x&Version=2009-04-15",
        "sdb",
        "Select",
        "query",
        region="us-east-1",
        account="000000000007",
    ),
    Sample(
        "signature version 2 in a form",
        "POST /",
        "iam",
        "ListUsers",
        "query",
        form(None, "old/1.0"),
        b"AWSAccessKeyId=000000000007&Action=ListUsers&Version=2010-05-08&SignatureVersion=2",
        region="us-east-1",
        account="000000000007",
    ),
    # rest-json
    Sample(
        "boto3 lambda",
        "POST /2015-03-31/functions/fn/invocations",
        "lambda",
        "Invoke",
        "rest-json",
        rest("lambda", BOTO3),
        labels={"FunctionName": "fn"},
    ),
    Sample(
        "go lambda, by arn",
        "GET /2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Afn%3Alive/configuration",
        "lambda",
        "GetFunctionConfiguration",
        "rest-json",
        rest("lambda", GO.format("lambda")),
        labels={"FunctionName": "arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Afn%3Alive"},
    ),
    Sample("lambda, no slash", "GET /2015-03-31/functions", "lambda", "ListFunctions", "rest-json", rest("lambda", JS)),
    Sample("lambda, slash", "GET /2015-03-31/functions/", "lambda", "ListFunctions", "rest-json", rest("lambda", JS)),
    Sample(
        "lambda, unsigned, by the date in its path",
        "POST /2015-03-31/functions/fn/invocations",
        "lambda",
        "Invoke",
        "rest-json",
        labels={"FunctionName": "fn"},
        region="us-east-1",
    ),
    Sample(
        "api gateway",
        "POST /restapis?mode=import&failonwarnings=true",
        "apigateway",
        "ImportRestApi",
        "rest-json",
        rest("apigateway", BOTO3),
    ),
    Sample("api gateway v2", "POST /v2/apis", "apigatewayv2", "CreateApi", "rest-json", rest("apigateway", BOTO3)),
    Sample("sesv2", "POST /v2/email/outbound-emails", "sesv2", "SendEmail", "rest-json", rest("ses", BOTO3)),
    Sample(
        "opensearch shares its scope with es",
        "POST /2021-01-01/opensearch/domain",
        "opensearch",
        "CreateDomain",
        "rest-json",
        rest("es", BOTO3),
    ),
    Sample("es", "POST /2015-01-01/es/domain", "es", "CreateElasticsearchDomain", "rest-json", rest("es", BOTO3)),
    Sample(
        "websocket connections below a stage",
        "POST /prod/@connections/abc%3D",
        "apigatewaymanagementapi",
        "PostToConnection",
        "rest-json",
        rest("execute-api", BOTO3, host="x1.execute-api.eu-west-1.localhost.localstack.cloud:4566"),
        labels={"connectionId": "abc%3D"},
    ),
    Sample(
        "bedrock with a bearer token",
        "POST /model/some.model-v1%3A0/invoke",
        "bedrock-runtime",
        "InvokeModel",
        "rest-json",
        {"authorization": "Bearer abc", "content-type": "application/json"},
        labels={"modelId": "some.model-v1%3A0"},
        region="us-east-1",
    ),
    Sample(
        "sso portal",
        "GET /federation/credentials?role_name=r&account_id=1",
        "sso",
        "GetRoleCredentials",
        "rest-json",
        {"x-amz-sso_bearer_token": "t"},
        region="us-east-1",
    ),
    Sample(
        "sso oidc",
        "POST /client/register",
        "sso-oidc",
        "RegisterClient",
        "rest-json",
        {"content-type": "application/json"},
        region="us-east-1",
    ),
    # rest-xml
    Sample(
        "boto3 s3 put, streamed with a trailer",
        "PUT /bucket/a/key.txt",
        "s3",
        "PutObject",
        "rest-xml",
        rest("s3", BOTO3)
        | {
            "content-encoding": "aws-chunked",
            "x-amz-content-sha256": UNSIGNED_PAYLOAD,
            "x-amz-trailer": "x-amz-checksum-crc32",
        },
        b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        {"Bucket": "bucket", "Key": "a/key.txt"},
    ),
    Sample(
        "js s3 get, virtual host",
        "GET /a/key.txt?x-id=GetObject",
        "s3",
        "GetObject",
        "rest-xml",
        rest("s3", JS.format("s3"), host="bucket.s3.localhost.localstack.cloud:4566"),
        labels={"Bucket": "bucket", "Key": "a/key.txt"},
    ),
    Sample(
        "java s3 list",
        "GET /bucket?list-type=2&prefix=a%2F",
        "s3",
        "ListObjectsV2",
        "rest-xml",
        rest("s3", JAVA),
        labels={"Bucket": "bucket"},
    ),
    Sample(
        "go s3 multipart",
        "PUT /bucket/big?partNumber=1&uploadId=u&x-id=UploadPart",
        "s3",
        "UploadPart",
        "rest-xml",
        rest("s3", GO.format("s3")),
        labels={"Bucket": "bucket", "Key": "big"},
    ),
    Sample(
        "s3 with SigV4A, to a multi-region access point",
        "GET /bucket/k",
        "s3",
        "GetObject",
        "rest-xml",
        {
            "authorization": "AWS4-ECDSA-P256-SHA256 Credential=test/20261124/s3/aws4_request, Signature=0",
            "x-amz-region-set": "*,eu-west-1",
        },
        labels={"Bucket": "bucket", "Key": "k"},
    ),
    Sample(
        "route 53",
        "POST /2013-04-01/hostedzone/Z1/rrset/",
        "route53",
        "ChangeResourceRecordSets",
        "rest-xml",
        rest("route53", BOTO3),
        labels={"Id": "Z1"},
    ),
    Sample(
        "cloudfront",
        "POST /2020-05-31/distribution?WithTags",
        "cloudfront",
        "CreateDistributionWithTags",
        "rest-xml",
        rest("cloudfront", BOTO3),
    ),
    # by host alone
    Sample(
        "amazonaws.com, unsigned",
        "POST /",
        "sts",
        "GetCallerIdentity",
        "query",
        form(None, BOTO3, host="sts.eu-west-1.amazonaws.com"),
        b"Action=GetCallerIdentity",
    ),
    Sample(
        "an API of the user's",
        "GET /prod/pets?x=1",
        "execute-api",
        "Invoke",
        "rest-json",
        {"host": "a1b2c3.execute-api.eu-west-1.localhost.localstack.cloud:4566", "authorization": "Basic dTpw"},
        labels={"Id": "a1b2c3"},
    ),
    Sample(
        "a function's URL",
        "POST /anything",
        "lambda-url",
        "Invoke",
        "rest-json",
        {"host": "f1.lambda-url.eu-west-1.localhost.localstack.cloud:4566"},
        labels={"Id": "f1"},
    ),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
def test_it_goes_where_it_means_to(sample: Sample) -> None:
    method, target = sample.request.split(" ")
    request = Request(method, target, {"host": "localhost:4566"} | sample.headers, BytesBody(sample.body))
    found = route(request)
    assert (found.service, found.operation, found.protocol) == (sample.service, sample.operation, sample.protocol)
    assert (found.labels, found.region, found.account) == (sample.labels, sample.region, sample.account)
    assert (found.stack, found.stack_at) == ("main", None)
    assert request.body.read() == sample.body
