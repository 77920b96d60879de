"""Load by wrk (a Debian package), with requests as SDKs send them."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from bench.servers import Running

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=000000000000/20261123/us-east-1/{service}/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


class Result(NamedTuple):
    """What one run of wrk says. Latencies in milliseconds; CPU of the server in microseconds a request."""

    rate: float
    median: float
    p99: float
    errors: int
    cpu: float


def signed(service: str, **more: str) -> dict[str, str]:
    """Return headers as a signing SDK sends them."""
    return {
        "Authorization": SIGNED.format(service=service), "X-Amz-Date": "20261123T000000Z",
        "User-Agent": "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1 lang/python#3.13", **more,
    }  # fmt: skip


def _lua(value: Any) -> str:
    return json.dumps(value)


def fixed(method: str, path: str, headers: dict[str, str], body: str = "") -> str:
    """A script that sends the same request again and again."""
    lines = [f"wrk.method={_lua(method)}", f"wrk.path={_lua(path)}"]
    if body:
        lines.append(f"wrk.body={_lua(body)}")
    lines += [f"wrk.headers[{_lua(k)}]={_lua(v)}" for k, v in headers.items()]
    return "\n".join(lines)


def counted(method: str, path: str, headers: dict[str, str], body: str = "") -> str:
    """A script whose `%d` in path or body counts up, each thread in a range of its own."""
    return f"""
local base = 0
local count = 0
function setup(thread) thread:set("offset", base); base = base + 100000000 end
local headers = {{ {", ".join(f"[{_lua(k)}]={_lua(v)}" for k, v in headers.items())} }}
function request()
  count = count + 1
  local n = string.format("%d", offset + count % 5000)
  local path = string.gsub({_lua(path)}, "%%d", n)
  local body = string.gsub({_lua(body)}, "%%d", n)
  return wrk.format({_lua(method)}, path, headers, body)
end
"""


def receive_and_delete(url: str, headers: dict[str, str]) -> str:
    """A script that receives a message and deletes it, in turns."""
    receive = json.dumps({"QueueUrl": url})
    delete = json.dumps({"QueueUrl": url, "ReceiptHandle": "%s"})
    pairs = ", ".join(f"[{_lua(k)}]={_lua(v)}" for k, v in headers.items())
    return f"""
local handles = {{}}
local receive = {{ {pairs}, ["X-Amz-Target"]="AmazonSQS.ReceiveMessage" }}
local delete = {{ {pairs}, ["X-Amz-Target"]="AmazonSQS.DeleteMessage" }}
function request()
  local handle = table.remove(handles)
  if handle then
    local body = string.gsub({_lua(delete)}, "%%s", function() return handle end)
    return wrk.format("POST", "/", delete, body)
  end
  return wrk.format("POST", "/", receive, {_lua(receive)})
end
function response(status, headers, body)
  local handle = string.match(body, '"ReceiptHandle": *"([^"]+)"')
  if handle then table.insert(handles, handle) end
end
"""


_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


def _milliseconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if match is None:
        raise ValueError(f"wrk printed {text!r} for a time")
    return float(match[1]) * _UNITS[match[2]]


def wrk(server: Running, script: str, connections: int, seconds: int) -> Result:
    """Run wrk against a server and read what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "load.lua"
        path.write_text(script)
        before = server.cpu()
        out = subprocess.run(
            ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency", "--timeout", "30s", "-s", str(path), server.url],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        used = server.cpu() - before
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    total = re.search(r"(\d+) requests in", out)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    socket_errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    median = re.search(r"^\s+50%\s+(\S+)", out, re.MULTILINE)
    p99 = re.search(r"^\s+99%\s+(\S+)", out, re.MULTILINE)
    if rate is None or total is None or median is None or p99 is None:
        raise RuntimeError(f"wrk printed something else:\n{out}")
    errors = (int(failed[1]) if failed else 0) + (sum(map(int, socket_errors.groups())) if socket_errors else 0)
    return Result(
        float(rate[1]), _milliseconds(median[1]), _milliseconds(p99[1]), errors, used / max(1, int(total[1])) * 1e6
    )
