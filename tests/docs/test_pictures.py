"""The pictures of the documentation: a script takes them in Chromium, and each one is shown."""

import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from scripts import pictures
from scripts.pictures import PICTURES, Picture
from tests.docs.blocks import PAGES
from tests.npm import installed
from tests.support import do_without

PAGE = """<!DOCTYPE html><title>A page</title>
<body style="background: #fff"><input name="colour"><button onclick="paint()">Paint</button>
<script>
function paint() {
  document.body.style.background = document.querySelector("input").value;
  setTimeout(() => document.body.insertAdjacentHTML("beforeend", "<p id=done>Done</p>"), 200);
}
</script>
"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and writes no line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serve a page with a button, and return the site's URL."""
    (tmp_path / "page.html").write_text(PAGE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def needs_a_browser() -> None:
    """Skip a test where there is no Chromium, or no way to drive it."""
    if shutil.which("chromium") is None and shutil.which("google-chrome") is None:
        do_without("chromium is not installed")
    installed(pictures.PLAYWRIGHT)


def test_picture_is_taken_after_its_steps(site: str, tmp_path: Path) -> None:
    needs_a_browser()
    steps = [("open", "/page.html"), ("fill", ("input", "#f00")), ("click", "button"), ("wait", "#done")]

    pictures.take(site, [Picture(name="red", steps=steps, width=320, height=240)], tmp_path)

    with Image.open(tmp_path / "red.png") as picture:
        assert picture.size == (320, 240)
        assert picture.convert("RGB").getpixel((300, 200)) == (255, 0, 0)


def test_page_that_is_not_there_is_said(tmp_path: Path) -> None:
    needs_a_browser()

    with pytest.raises(SystemExit, match=r"The pictures of http://127\.0\.0\.1:9 failed:\n"):
        pictures.take("http://127.0.0.1:9", [Picture(name="none", steps=[("open", "/")])], tmp_path)


def test_unknown_picture_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        pictures.main(["http://127.0.0.1:9", "garphiql"])

    assert "there is no picture 'garphiql'; there are: graphiql, admin, demo" in capsys.readouterr().err


def test_each_picture_is_small_and_shown() -> None:
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", page.read_text(encoding="utf-8"))
    }

    taken = {pictures.OUT / f"{picture.name}.png" for picture in PICTURES}
    assert shown == taken == set(pictures.OUT.glob("*.png"))
    assert [path.name for path in taken if path.stat().st_size > 150_000] == []
