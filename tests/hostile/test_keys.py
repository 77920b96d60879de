"""Keys of objects that look like paths out of here, or are none: stored under just the name that was given, or refused."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from tests.hostile.conftest import code_of, signed

ODD = [
    "..", "../..", "../../etc/passwd", "a/../b", "./a", "a/./b", "a//b", "a/", "a//", "a.", "a..", "a/.", "a ", " a",
    "~root", "C:\\windows", "\\\\server\\share", "a\\..\\b", "a%2fb", "%2e%2e", "%", "%zz", "a?b", "a#b", "a&b=c", "a+b",
    "a;b", "a:b", "*", "<a>", '"', "'", "\t", "\n", "\r\n", "\x01", "\x7f", "\u0085", "\u200b", "\u202e", "\ufeff",
    "\uffff", "\U0001f600", "\U0010ffff", "CON", "-rf", "$(a)", "`a`", "{}", "|", "kept", "Kept", "_stack/main/a",
    "_cairn/health", "__proto__", "0" * 1024,
]  # fmt: skip


def path_of(key: str) -> str:
    """Return a key's path with everything encoded that can be."""
    return "/things/" + "".join(f"%{byte:02X}" for byte in key.encode())


@pytest.mark.parametrize("key", ODD, ids=lambda key: quote(key[:20]) or "empty")
def test_an_odd_key_is_kept_as_it_is(wall, client, key):
    assert wall.s3("PUT", path_of(key), key.encode()).status == 200
    assert wall.s3("GET", path_of(key)).body == key.encode()
    s3 = client("s3")
    listed = s3.list_objects_v2(Bucket="things", EncodingType="url")["Contents"]
    assert [unquote(each["Key"], errors="strict") for each in listed] == [key]
    assert s3.get_object(Bucket="things", Key=key)["Body"].read() == key.encode()
    assert wall.s3("DELETE", path_of(key)).status == 204
    assert s3.list_objects_v2(Bucket="things")["KeyCount"] == 0


@pytest.mark.parametrize(
    "path", ["a/../b", "./a", "a//b", "/a", "a/", "..", ".", "a%2Fb", "a%2e%2e", "%41", "a+b", "a|b"]
)
def test_a_path_is_the_key_without_any_tidying(wall, client, path):
    assert wall.s3("PUT", f"/things/{path}", b"x").status == 200
    listed = client("s3").list_objects_v2(Bucket="things")["Contents"]
    assert [each["Key"] for each in listed] == [unquote(path)]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("%00", "InvalidURI"), ("a%00b", "InvalidURI"), ("%ff", "InvalidURI"), ("%c3", "InvalidURI"),
        ("%c0%af", "InvalidURI"), ("%ed%a0%80", "InvalidURI"), ("%f4%90%80%80", "InvalidURI"), ("a" * 1025, "KeyTooLongError"),
        ("%C3%A9" * 513, "KeyTooLongError"), ("a" * 20_000, "KeyTooLongError"),
    ],
    ids=range(10),
)  # fmt: skip
def test_what_can_be_no_key_is_refused(victim, path, code):
    for method, body in (("PUT", b"x"), ("POST", b"")):
        target = f"/things/{path}" + ("?uploads" if method == "POST" else "")
        answer = victim.s3(method, target, body)
        assert (answer.status, code_of(answer)) == (400, code)
    assert victim.s3("GET", f"/things/{path}").status in (400, 404)
    assert victim.s3("HEAD", f"/things/{path}").status in (400, 404)
    assert victim.s3("DELETE", f"/things/{path}").status in (204, 400)


@pytest.mark.parametrize("path", ["%", "a%", "a%4", "%zz", "%u0041", "%%", "%+1"])
def test_a_percent_without_hex_is_refused_or_kept_as_it_is(wall, client, path):
    answer = wall.s3("PUT", f"/things/{path}", b"x")
    if answer.status == 200:
        assert [each["Key"] for each in client("s3").list_objects_v2(Bucket="things")["Contents"]] == [path]
    else:
        assert (answer.status, code_of(answer)) == (400, "InvalidURI")


@pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\x7f", b" ", b"\t"])
def test_a_raw_control_character_in_the_path_is_refused(victim, byte):
    with victim.connect() as client:
        client.send(victim.head_of("PUT", "/things/aQb", {"Content-Length": "0"}).replace(b"Q", byte))
        assert client.answer().status == 400


def test_raw_bytes_in_the_path_are_read_as_utf_8_or_refused(victim):
    for raw in ("\xff", "\xc3", "\xed\xa0\x80"):
        answer = victim.s3("PUT", f"/things/{raw}", b"x")
        assert answer.status == 400, answer


@pytest.mark.parametrize("length", [1, 255, 256, 511, 512, 1023, 1024])
@pytest.mark.parametrize("letter", ["k", "\u00e9", "\U0001f600"])
def test_keys_of_up_to_1024_bytes_are_kept(wall, client, letter, length):
    key = letter * (length // len(letter.encode())) or "k"
    key += "k" * (length - len(key.encode()))
    s3 = client("s3")
    s3.put_object(Bucket="things", Key=key, Body=b"x")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="things")["Contents"]] == [key]
    assert s3.get_object(Bucket="things", Key=key)["Body"].read() == b"x"


def test_unicode_forms_of_one_text_are_keys_of_their_own(wall, client):
    s3 = client("s3")
    text = "\u00c5ngstr\u00f6m \ufb01\u1e9b\u0323"
    keys = {unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(keys) == 4
    for key in keys:
        s3.put_object(Bucket="things", Key=key, Body=key.encode())
    assert {each["Key"] for each in s3.list_objects_v2(Bucket="things")["Contents"]} == keys
    for key in keys:
        assert s3.get_object(Bucket="things", Key=key)["Body"].read() == key.encode()


@pytest.mark.parametrize(
    "name", ["..", ".", "%2e%2e", "%00", "%ff", "a%2fb", "A", "-", "a..b", "a" * 64, "a" * 5000, "192.168.1.1", "%20"]
)
def test_what_can_be_no_bucket_is_refused(victim, name):
    answer = victim.s3("PUT", f"/{name}")
    assert answer.status == 400, answer
    assert code_of(answer) in ("InvalidBucketName", "InvalidURI")
    assert victim.s3("GET", f"/{name}").status in (400, 404)


STACKS = [
    "..",
    ".",
    "%2e%2e",
    "..%2f..%2fetc",
    "a%2fb",
    "%00",
    "a%00",
    "%ff",
    "-a",
    ".a",
    "a" * 64,
    "a" * 5000,
    "",
    "@",
    "a@",
]


@pytest.mark.parametrize("name", STACKS)
def test_what_can_be_no_stack_is_refused(victim, name):
    folder = Path(victim.server.data)
    before = {path for path in folder.rglob("*") if "tmp" not in path.parts}
    answer = victim.ask("PUT", f"/_stack/{name}/things", b"", {"Authorization": signed("s3")})
    assert answer.status in (400, 404), answer
    answer = victim.ask(
        "PUT", "/things", b"", {"Authorization": signed("s3"), "x-cairn-stack": unquote(name, "latin-1")}
    )
    assert answer.status in (400, 404) or not name, answer
    after = {path for path in folder.rglob("*") if "tmp" not in path.parts}
    assert after == before


@pytest.mark.parametrize("path", ["..%2f..%2fetc", "%2e%2e", "a%00b", "%ff", "a" * 5000])
def test_admin_paths_lead_nowhere_else(victim, path):
    for target in (f"/_cairn/stacks/{path}", f"/_cairn/{path}", f"/_cairn/../{path}", f"/_localstack/{path}"):
        for method in ("GET", "DELETE"):
            assert 400 <= victim.ask(method, target).status < 500, target


def test_no_object_is_ever_a_file_of_its_name(wall):
    for key in ("../../../../../tmp/cairn-escaped", "/tmp/cairn-escaped", "..\\cairn-escaped"):
        assert wall.s3("PUT", path_of(key), b"x" * 10_000).status == 200
    assert not os.path.exists("/tmp/cairn-escaped")
    assert not list(Path(wall.server.data).parent.rglob("*escaped*"))
