"""Wheel and sdist: what is in them, and what they say of themselves on an index. ``make matrix`` installs them."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from packaging.metadata import Metadata
from packaging.specifiers import SpecifierSet
from readme_renderer.markdown import render

import fraiseql_django
from example_project.settings import BASE_DIR
from tests.support import do_without

PROJECT = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]
ADDRESS = PROJECT["urls"]["Source"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an sdist, and a wheel from it, in this environment."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(BASE_DIR)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Iterator[zipfile.ZipFile]:
    """Open the wheel."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as file:
        yield file


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> bytes:
    """Return the metadata of the wheel."""
    (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    return wheel.read(name)


@pytest.fixture(scope="module")
def described(metadata: bytes) -> Message:
    """Return the metadata, field by field."""
    return message_from_bytes(metadata)


def tracked() -> set[str]:
    """Return what belongs to the repository, or would if it were added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        do_without("this folder is no git repository")
    return {name for name in done.stdout.split("\0") if name and (BASE_DIR / name).exists()}


def test_sdist_is_the_repository(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as file:
        names = {member.name.partition("/")[2] for member in file.getmembers() if member.isfile()}

    assert names == tracked() | {"PKG-INFO"}
    # what a distributor needs to run the tests, and to read
    assert {"Makefile", "manage.py", "tests/conftest.py", "docs/tutorial.md", "example_project/settings.py"} <= names


def test_wheel_is_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    # and the module that pytest finds by its entry point
    package = ("fraiseql_django/", "pytest_fraiseql_django.py")
    assert names == {name for name in tracked() if name.startswith(package)}
    for kind in ("py.typed", ".html", ".css", ".py"):
        assert any(name.endswith(kind) for name in names), kind
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())


def test_index_takes_them(built: Path, metadata: bytes) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    Metadata.from_email(metadata, validate=True)


def test_classifiers_name_the_versions_that_are_tested(described: Message) -> None:
    noxfile = (BASE_DIR / "noxfile.py").read_text()
    (table,) = re.findall(r"^SUPPORTED = (\{.*?^\})", noxfile, re.MULTILINE | re.DOTALL)
    supported: dict[str, list[str]] = eval(table)
    classifiers = described.get_all("Classifier") or []

    def versions(prefix: str) -> set[str]:
        found = (name.removeprefix(f"{prefix} :: ") for name in classifiers if name.startswith(f"{prefix} :: "))
        return {name for name in found if re.fullmatch(r"\d+\.\d+", name)}

    assert versions("Programming Language :: Python") == set(supported)
    assert versions("Framework :: Django") == {version for listed in supported.values() for version in listed}
    python = SpecifierSet(str(described["Requires-Python"]))
    assert all(version in python for version in supported)
    assert "3.10" not in python


def test_extras_are_documented(described: Message) -> None:
    readme = (BASE_DIR / "README.md").read_text()
    extras = described.get_all("Provides-Extra") or []

    assert [name for name in extras if f"[{name}]" not in readme and f"extra `{name}`" not in readme] == []


def test_version_stands_in_one_place(described: Message) -> None:
    releases = re.findall(r"^## (\d\S*) - (\d{4}-\d\d-\d\d)$", (BASE_DIR / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert fraiseql_django.__version__ == described["Version"] == PROJECT["version"]
    assert releases[0][0] == PROJECT["version"]
    assert [date for _, date in releases] == sorted((date for _, date in releases), reverse=True)


class Links(HTMLParser):
    """The addresses that a page leads to, and the ids of its headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link or an image."""
        for name, value in attrs:
            if (tag, name) == ("a", "href") and value:
                self.links.append(value)
            elif name in ("src", "srcset") and value:
                self.images.append(value)


@pytest.fixture(scope="module")
def page(described: Message) -> Links:
    """Return the page that an index makes of the description."""
    assert described["Description-Content-Type"] == "text/markdown"
    html = render(str(described.get_payload()))
    assert html is not None
    return Links(html)


def targets(addresses: list[str], kind: str) -> Iterator[tuple[Path, str]]:
    """Yield the files of this version, with the heading, that addresses in the repository lead to."""
    prefix = f"{ADDRESS}/{kind}/v{PROJECT['version']}/"
    for address in addresses:
        if address.startswith(f"{ADDRESS}/"):
            assert address.startswith(prefix), address
            name, _, heading = address.removeprefix(prefix).partition("#")
            yield BASE_DIR / name, heading


def test_links_of_the_page_lead_somewhere_from_an_index(page: Links) -> None:
    # "#…" leads to a heading of the page itself
    assert [link for link in page.links if not link.startswith(("https://", "#"))] == []
    found = list(targets(page.links, "blob"))
    assert len(found) > 10
    for path, heading in found:
        assert path.is_file(), path
        headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}
        assert not heading or heading in anchors, f"{path}#{heading}"


def test_images_of_the_page_are_there(page: Links) -> None:
    assert [image for image in page.images if not image.startswith("https://")] == []
    for path, _ in targets(page.images, "raw"):
        assert path.is_file(), path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![a](docs/a.png)", "![a]({raw}docs/a.png)"),
        ('<img alt="" src="docs/a.png">', '<img alt="" src="{raw}docs/a.png">'),
        ('<source media="x" srcset="docs/b.png">', '<source media="x" srcset="{raw}docs/b.png">'),
        ("[a](docs/a.md#b)", "[a]({blob}docs/a.md#b)"),
        ("[![a](docs/a.png)](docs/a.md)", "[![a]({raw}docs/a.png)]({blob}docs/a.md)"),
        ("[a](https://example.com) [b](#b)", "[a](https://example.com) [b](#b)"),
    ],
)
def test_links_are_made_absolute(text: str, expected: str) -> None:
    hook: Any = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"]["hooks"]
    for rule in hook["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(rule["pattern"], rule["replacement"], text)

    version = "v$HFPR_VERSION"
    assert text == expected.format(raw=f"{ADDRESS}/raw/{version}/", blob=f"{ADDRESS}/blob/{version}/")


def test_code_of_the_readme_is_left_alone(described: Message) -> None:
    def code(text: str) -> list[str]:
        return re.findall(r"```.*?```", text, re.DOTALL)

    assert code(str(described.get_payload())) == code((BASE_DIR / "README.md").read_text())


def test_address_is_the_same_everywhere() -> None:
    """What has the address besides pyproject.toml must change with it."""
    _, owner, name = ADDRESS.rsplit("/", 2)
    written = re.compile(rf"https?://[\w.]*git[\w.]*/[\w-]+/{name}\b")
    for path in sorted(tracked()):
        try:
            text = (BASE_DIR / path).read_text()
        except UnicodeDecodeError:
            continue
        assert set(written.findall(text)) <= {f"https://github.com/{owner}/{name}"}, path
