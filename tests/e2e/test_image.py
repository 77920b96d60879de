"""The container image: built by its Dockerfile, run, killed, and started again with everything there."""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from tests.conftest import ROOT
from tests.e2e import containers
from tests.e2e.conftest import fill, holds_everything


@pytest.fixture
def docker_client() -> Iterator[docker.DockerClient]:
    """A Docker daemon's client; the test is skipped where none can run."""
    with contextlib.ExitStack() as stack:
        try:
            client = stack.enter_context(containers.daemon())
        except containers.NoDocker as reason:
            pytest.skip(str(reason))
        yield client


@pytest.fixture
def image(docker_client: docker.DockerClient) -> Iterator[str]:
    """The image, built of the checkout under a name of the test's own."""
    name = f"cairn-test-{uuid.uuid4().hex[:8]}"
    base = containers.base_image(docker_client, f"{name}-base:latest")
    # The stage before the last has a name too, so that it can be removed; the second build finds it in the cache.
    stages = {"build": f"{name}-build", "": name}
    try:
        for target, tag in stages.items():
            docker_client.images.build(
                path=str(ROOT), tag=tag, target=target, buildargs={"BASE_IMAGE": base}, rm=True, forcerm=True
            )
        yield name
    except docker.errors.BuildError as error:
        told = "".join(str(line.get("stream") or line.get("error") or "") for line in error.build_log)
        pytest.fail(f"{error}\n{told[-4000:]}")
    finally:
        for made in (name, f"{name}-build", *([base] if base.startswith(name) else [])):
            with contextlib.suppress(docker.errors.APIError):
                docker_client.images.remove(made, force=True)


@contextlib.contextmanager
def running(client: docker.DockerClient, image: str, volume: str) -> Iterator[Any]:
    """A container of the image, with the port published on the loopback address and the data in a volume."""
    container = client.containers.run(
        image, detach=True, ports={"4566/tcp": ("127.0.0.1", None)}, volumes={volume: {"bind": "/var/lib/cairn"}}
    )
    try:
        yield container
    finally:
        container.remove(force=True)


def until(what: str, container: Any, reached: Callable[[], bool]) -> None:
    """Wait until something is so; say what the container said where it never is."""
    end = time.monotonic() + 60
    while not reached():
        container.reload()
        assert container.status != "exited", container.logs().decode()
        assert time.monotonic() < end, f"never {what}: {container.logs().decode()}"
        time.sleep(0.1)


def ready(container: Any, times: int) -> str:
    """Wait until a container says for the n-th time that it is ready; return its endpoint."""
    until("ready", container, lambda: container.logs().decode().splitlines().count("Ready.") == times)
    container.reload()
    (published,) = container.ports["4566/tcp"]
    return f"http://127.0.0.1:{published['HostPort']}"


def said(container: Any, *command: str) -> str:
    """Run a command in a container; return what it printed."""
    status, output = container.exec_run(list(command))
    assert status == 0, output.decode()
    return str(output.decode())


@pytest.mark.slow
def test_the_image_keeps_everything_through_a_kill(docker_client: docker.DockerClient, image: str) -> None:
    volume = docker_client.volumes.create(f"{image}-data")
    try:
        with running(docker_client, image, volume.name) as container:
            url = ready(container, 1)
            assert fill(url) == 8
            holds_everything(url)
            container.kill()
            container.wait()
            container.start()
            url = ready(container, 2)
            holds_everything(url)

            # the command line works inside, as the user that the image names
            assert "main is whole" in said(container, "cairn", "verify")
            assert "all tables are the same" in said(container, "cairn", "replay", "--verify")
            assert said(container, "python3", "-c", "import os; print(os.getuid())").strip() == "1000"
            until("healthy", container, lambda: _health(container) == "healthy")

            said(container, "cairn", "snapshot", "export", "/tmp/state.cairn")
            pieces, _ = container.get_archive("/tmp/state.cairn")
            with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
                assert archive.getmembers()[0].size > 1000

            container.stop(timeout=40)
            assert container.wait()["StatusCode"] == 0  # a stop is clean
        with running(docker_client, image, volume.name) as another:  # a new container on the same volume
            holds_everything(ready(another, 1))
    finally:
        volume.remove(force=True)


def _health(container: Any) -> str:
    container.reload()
    return str(container.attrs["State"].get("Health", {}).get("Status"))
