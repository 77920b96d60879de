"""The ways in which clients reach a server: host names of buckets and services, HTTPS on the same port, presigned URLs."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from tests.conftest import Server, StackUnderTest


@pytest.fixture(autouse=True)
def _names_lead_here(monkeypatch):
    """Let names under domains that no resolver of this machine knows lead to this machine, as public DNS does."""
    resolve = socket.getaddrinfo

    def resolved(host, *args, **kwargs):
        ours = isinstance(host, str) and host.endswith((".localhost", ".localhost.localstack.cloud", "cairn.test"))
        return resolve("127.0.0.1" if ours else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def client_at(service: str, endpoint: str, style: str = "auto", **more):
    session = boto3.session.Session("000000000000", "test", region_name="us-east-1")
    config = Config(s3={"addressing_style": style}, retries={"total_max_attempts": 1}, signature_version="v4")
    if service == "s3":
        config = config.merge(Config(signature_version="s3v4"))
    return session.client(service, endpoint_url=endpoint, config=config, **more)


@pytest.mark.parametrize(
    "domain", ["localhost", "s3.localhost.localstack.cloud", "s3.us-east-1.localhost.localstack.cloud"]
)
@pytest.mark.parametrize("bucket", ["things", "with.dots.in-it"])
def test_a_bucket_in_the_host_name(stack: StackUnderTest, domain: str, bucket: str):
    bucket = f"{bucket}-{uuid.uuid4().hex[:8]}"
    s3 = client_at("s3", f"http://{domain}:{stack.server.port}", "virtual")
    s3.meta.events.register(
        "before-sign.s3", lambda request, **_: request.headers.add_header("x-cairn-stack", stack.name)
    )
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=f"{bucket}/a key", Body=b"data")
    assert s3.get_object(Bucket=bucket, Key=f"{bucket}/a key")["Body"].read() == b"data"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [f"{bucket}/a key"]
    by_path = stack.client("s3")
    assert by_path.head_object(Bucket=bucket, Key=f"{bucket}/a key")["ContentLength"] == 4
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == [bucket]


def test_a_stack_in_the_host_name_of_a_bucket(stack: StackUnderTest):
    s3 = client_at("s3", f"http://s3.{stack.name}.stack.localhost:{stack.server.port}", "virtual")
    s3.create_bucket(Bucket="things")
    s3.put_object(Bucket="things", Key="key", Body=b"data")
    assert stack.client("s3").get_object(Bucket="things", Key="key")["Body"].read() == b"data"
    sqs = client_at("sqs", f"http://{stack.name}.stack.localhost:{stack.server.port}")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    assert stack.name in url
    sqs.send_message(QueueUrl=url, MessageBody="work")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "work"


def test_a_bucket_told_by_the_host_header_alone(stack: StackUnderTest):
    stack.client("s3").create_bucket(Bucket="things")
    stack.client("s3").put_object(Bucket="things", Key="key", Body=b"data")
    for host in [
        "things.s3.localhost:4566",
        "things.s3.amazonaws.com",
        "things.s3.eu-west-1.localhost.localstack.cloud",
    ]:
        connection = http.client.HTTPConnection("127.0.0.1", stack.server.port, timeout=20)
        connection.request("GET", "/key", headers={"Host": host, "x-cairn-stack": stack.name})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"data")
        connection.close()


@pytest.fixture(scope="module")
def certificate(server: Server) -> Path:
    """The server's own certificate, which it makes when the first client speaks TLS."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
        unverified = ssl.create_default_context()
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE
        unverified.wrap_socket(plain, server_hostname="localhost").close()
    return server.data / "tls" / "cert.pem"


def test_https_and_http_on_one_port(stack: StackUnderTest, certificate: Path):
    secure = f"https://localhost:{stack.server.port}/_stack/{stack.name}"
    sqs = client_at("sqs", secure, verify=str(certificate))
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    assert url.startswith("https://localhost:")
    sqs.send_message(QueueUrl=url, MessageBody="over TLS")
    plain = stack.client("sqs")
    url = plain.get_queue_url(QueueName="jobs")["QueueUrl"]
    assert url.startswith("http://127.0.0.1:")
    assert plain.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "over TLS"


def test_a_large_object_over_https_under_a_name_of_its_own(stack: StackUnderTest, certificate: Path):
    endpoint = f"https://s3.{stack.name}.stack.localhost.localstack.cloud:{stack.server.port}"
    with pytest.raises(SSLError):  # no wildcard reaches three labels deep
        client_at("s3", endpoint, "virtual", verify=str(certificate)).create_bucket(Bucket="things")
    s3 = client_at("s3", f"https://localhost:{stack.server.port}/_stack/{stack.name}", "path", verify=str(certificate))
    s3.create_bucket(Bucket="things")
    data = bytes(range(256)) * 12_000
    s3.put_object(Bucket="things", Key="large", Body=data)
    assert s3.get_object(Bucket="things", Key="large")["Body"].read() == data


def test_a_client_that_trusts_nobody_is_not_fooled(stack: StackUnderTest, certificate: Path):
    assert certificate.exists()
    with pytest.raises(SSLError):
        client_at("sqs", f"https://localhost:{stack.server.port}").list_queues()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_presigned_urls_for_who_has_no_sdk(stack: StackUnderTest, version: str, style: str):
    session = stack.session("us-east-1", "000000000000")
    endpoint = stack.url if style == "path" else f"http://s3.{stack.name}.stack.localhost:{stack.server.port}"
    s3 = session.client(
        "s3", endpoint_url=endpoint, config=Config(signature_version=version, s3={"addressing_style": style})
    )
    s3.create_bucket(Bucket="things")
    place = {"Bucket": "things", "Key": "a b/ä+&.txt"}
    put = s3.generate_presigned_url("put_object", {**place, "ContentType": "text/plain"}, ExpiresIn=60)
    request = urllib.request.Request(put, b"data", {"Content-Type": "text/plain"}, method="PUT")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
    said = {"ResponseContentDisposition": 'attachment; filename="x.txt"'}
    get = s3.generate_presigned_url("get_object", {**place, **said}, ExpiresIn=60)
    with urllib.request.urlopen(get, timeout=20) as answer:
        assert answer.read() == b"data"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="x.txt"'
        assert answer.headers["Content-Type"] == "text/plain"
    gone = s3.generate_presigned_url("delete_object", place, ExpiresIn=60)
    with urllib.request.urlopen(urllib.request.Request(gone, method="DELETE"), timeout=20) as answer:
        assert answer.status == 204
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(get, timeout=20)
    assert missing.value.code == 404


def test_presigned_calls_of_other_services(stack: StackUnderTest):
    url = stack.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert b"<Account>000000000000</Account>" in answer.read()


def test_a_server_with_a_name_of_its_own(tmp_path: Path):
    server = Server(tmp_path / "data", CAIRN_HOST="cairn.test:4599", CAIRN_DURABILITY="relaxed").start()
    try:
        s3 = client_at("s3", f"http://cairn.test:{server.port}", "virtual")
        s3.create_bucket(Bucket="things")
        s3.put_object(Bucket="things", Key="key", Body=b"data")
        assert client_at("s3", server.url, "path").get_object(Bucket="things", Key="key")["Body"].read() == b"data"
        s3 = client_at("s3", f"http://s3.cairn.test:{server.port}", "virtual")
        assert s3.get_object(Bucket="things", Key="key")["Body"].read() == b"data"
        sqs = client_at("sqs", f"http://sqs.eu-west-1.cairn.test:{server.port}")
        assert sqs.create_queue(QueueName="jobs")["QueueUrl"].partition("/000000000000/")[0].endswith("cairn.test:4599")
    finally:
        server.stop()
