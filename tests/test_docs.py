"""The documents: generated pages are fresh, links lead somewhere, and what the README shows works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Server
from tools import build_docs

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", sorted(build_docs.PAGES))
def test_a_generated_page_is_fresh(name: str) -> None:
    assert (build_docs.DOCS / name).read_text() == build_docs.PAGES[name](), "run `make docs`"


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_what_the_code_says_of_documents_is_there() -> None:
    named = set()
    for package in ("app", "journal", "projections", "tools"):
        for path in (ROOT / package).rglob("*.py"):
            named.update(re.findall(r"docs/[\w/-]+\.md", path.read_text()))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_what_the_readme_shows_with_boto3_works(tmp_path: Path) -> None:
    shown = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    server = Server(tmp_path / "data").start()
    try:
        program = shown[1].replace("http://localhost:4566", server.url)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr
    finally:
        server.stop()
