"""A Docker daemon, and a base image that needs no registry: what the tests of the container image stand on.

A daemon that runs is used. Where there is none, and we are root, one is installed with apt and started. It is left running:
another run of the tests may have begun to use it. The base image is Docker Hub's where that can be pulled; elsewhere one
is made of the Python that runs the tests, the shared libraries it links to, a shell and this machine's certificate
authorities.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker

SOCKET = Path("/var/run/docker.sock")
PATIENCE = 60.0  # seconds a daemon has to answer
PROGRAMS = ("sh", "mkdir", "chown", "chmod", "cat", "ls", "rm")  # of the base: what a Dockerfile's RUN needs
LEFT_OUT = {
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "site-packages",
    "dist-packages",
    "__pycache__",
}
AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
# What nobody here links to: glibc opens some by name, and wheels are built against others.
LOADED_LATER = (
    "libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2", "libgcc_s.so.1", "libstdc++.so.6", "libpthread.so.0",
    "libdl.so.2", "librt.so.1", "libutil.so.1", "libanl.so.1",
)  # fmt: skip


class NoDocker(Exception):
    """No container can be run on this machine; the message says why."""


def _answers() -> docker.DockerClient | None:
    try:
        client = docker.from_env(timeout=180)
    except docker.errors.DockerException:
        return None
    try:
        client.ping()
    except (docker.errors.DockerException, OSError):
        client.close()
        return None
    return client


def _install() -> None:
    if os.geteuid() != 0:
        raise NoDocker("no Docker daemon answers, and only root may start one")
    if shutil.which("dockerd"):
        return
    if not shutil.which("apt-get"):
        raise NoDocker("no Docker daemon answers, and there is no apt-get to install one")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wanted = ["install", "-y", "-qq", "--no-install-recommends", "docker.io", "iptables"]
    for words in (["update", "-qq"], wanted):
        done = subprocess.run(["apt-get", *words], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoDocker(f"apt-get could not install docker.io: {done.stderr.strip()[-300:]}")


@contextlib.contextmanager
def daemon() -> Iterator[docker.DockerClient]:
    """A client of a Docker daemon. Raises NoDocker."""
    client = _answers()
    if client is None:
        _install()
        client = _answers() or _started()  # installing may have started it
    try:
        yield client
    finally:
        client.close()


def _started() -> docker.DockerClient:
    with tempfile.NamedTemporaryFile("w+", prefix="dockerd-", suffix=".log") as log:
        process = subprocess.Popen(
            ["dockerd", "--log-level=warn"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        end, ended = time.monotonic() + PATIENCE, False
        while time.monotonic() < end:
            if SOCKET.exists() and (client := _answers()) is not None:
                return client
            if process.poll() is not None and not ended:
                end, ended = time.monotonic() + 5, True  # it cannot run, or another run's was quicker and answers soon
            time.sleep(0.2)
        if process.poll() is None:
            process.kill()
            process.wait()
        told = Path(log.name).read_text().strip()[-300:]
        raise NoDocker(f"dockerd cannot run here: {told or f'it did not answer within {PATIENCE:.0f} s'}")


def base_image(client: docker.DockerClient, name: str) -> str:
    """Return the name of an image with Python: the one that the Dockerfile names, or one made here under `name`."""
    wanted = "python:3.13-slim"
    try:
        client.images.get(wanted)
        return wanted
    except docker.errors.ImageNotFound:
        pass
    try:
        client.images.pull(wanted)
        return wanted
    except docker.errors.DockerException:  # no registry is reached
        make_base(client, name)
        return name


def make_base(client: docker.DockerClient, name: str) -> None:
    """Make a base image of the Python that runs this."""
    with tempfile.TemporaryDirectory(prefix="cairn-base-") as folder:
        root = Path(folder) / "root"
        environment = _fill(root)
        archive = Path(folder) / "root.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(root, ".", filter=_of_root)
        changes = [f"ENV {key}={value}" for key, value in environment.items()]
        repository, _, tag = name.partition(":")
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag or "latest", changes=changes)


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _fill(root: Path) -> dict[str, str]:
    """Write the base's files; return its environment."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for folder in ("bin", "dev", "etc", "lib64", "proc", "sys", "usr/local/bin", "usr/local/lib", "usr/lib"):
        (root / folder).mkdir(parents=True)
    (root / "tmp").mkdir(mode=0o1777)
    (root / "tmp").chmod(0o1777)
    python = root / "usr/local/bin" / version
    shutil.copy2(os.path.realpath(sys.executable), python)
    (root / "usr/local/bin/python3").symlink_to(version)
    library = root / "usr/local/lib" / version
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=_left_out, symlinks=False)
    packages = library / "site-packages"
    packages.mkdir()
    shutil.copytree(Path(sysconfig.get_path("purelib")) / "pip", packages / "pip", ignore=_left_out)
    _as_everywhere(library)
    binaries = [Path(os.path.realpath(sys.executable)), *library.glob("lib-dynload/*.so")]
    for program in PROGRAMS:
        found = shutil.which(program)
        if found is None:
            raise NoDocker(f"no base image can be made here: there is no {program}")
        shutil.copy2(os.path.realpath(found), root / "bin" / program)
        binaries.append(Path(found))
    _copy_libraries(binaries, root)
    environment = {"PATH": "/usr/local/bin:/bin", "LANG": "C.UTF-8", "LD_LIBRARY_PATH": "/usr/local/lib"}
    for bundle in AUTHORITIES:
        if Path(bundle).exists():
            copied = root / bundle.lstrip("/")
            copied.parent.mkdir(parents=True)
            shutil.copy2(bundle, copied)
            environment |= {"SSL_CERT_FILE": bundle, "PIP_CERT": bundle}
            break
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    return environment


def _left_out(_: str, names: list[str]) -> set[str]:
    return {name for name in names if name in LEFT_OUT or name.startswith("config-") or name.endswith(".a")}


def _as_everywhere(library: Path) -> None:
    """Undo Debian's own places for packages, which the official images do not have."""
    sources = [library / "sysconfig.py", library / "sysconfig" / "__init__.py"]
    for source in sources:
        if source.exists() and "posix_local" in (text := source.read_text()):
            source.write_text(text.replace("'prefix': 'posix_local'", "'prefix': 'posix_prefix'"))
            (library / "sitecustomize.py").unlink(missing_ok=True)
            (library / "sitecustomize.py").write_text(
                f"import site\nsite.addsitedir('/usr/local/lib/{library.name}/site-packages')\n"
            )


def _copy_libraries(binaries: list[Path], root: Path) -> None:
    """Copy the shared libraries that binaries link to, each to where the loader looks for it."""
    needed: set[str] = set()
    for binary in binaries:
        told = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False).stdout
        for line in told.splitlines():
            words = line.split()
            path = words[2] if "=>" in words and len(words) > 2 else words[0] if words else ""
            if path.startswith("/"):
                needed.add(path)
    system = {os.path.dirname(path) for path in needed if os.path.basename(path).startswith("libc.so")}
    needed |= {f"{folder}/{name}" for folder in system for name in LOADED_LATER if os.path.exists(f"{folder}/{name}")}
    for path in needed:
        standard = path.startswith(("/lib", "/usr/lib"))
        target = root / path.lstrip("/") if standard else root / "usr/local/lib" / os.path.basename(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(os.path.realpath(path), target)
