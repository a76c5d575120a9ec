"""The page in Django's admin: what it shows, to whom, and whether Chromium can show it in a readable way."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from example_project.settings import BASE_DIR
from tests.support import do_without

pytestmark = pytest.mark.django_db
STATES = ("none", "little", "much")
# In each frame: what sticks out to the right, plots and texts of plots, texts that lie over each other
CHECK = """
<!DOCTYPE html><title>check</title><pre id="result"></pre>
<script>
const frames = %s;
function over(a, b) {
  return a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
}
function look(frame) {
  const page = frame.contentDocument, root = page.getElementById('fraiseql');
  const texts = [...page.querySelectorAll('svg.fraiseql-plot text')];
  const boxes = texts.map(text => text.getBoundingClientRect());
  let overlaps = 0, outside = 0;
  texts.forEach((text, i) => {
    const plot = text.ownerSVGElement.getBoundingClientRect();
    if (boxes[i].left < plot.left - 1 || boxes[i].right > plot.right + 1) outside++;
    texts.forEach((other, j) => {
      if (i < j && other.ownerSVGElement === text.ownerSVGElement && over(boxes[i], boxes[j])) overlaps++;
    });
  });
  const tiles = [...page.querySelectorAll('.fraiseql-tiles dd')];
  const line = page.querySelector('.fraiseql-line-1');
  return {
    sticks_out: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    cut: tiles.filter(tile => tile.scrollWidth > tile.clientWidth + 1).length,
    plots: page.querySelectorAll('svg.fraiseql-plot').length,
    overlaps, outside,
    smallest: boxes.length ? Math.min(...boxes.map(box => box.height)) : null,
    rows: page.querySelectorAll('#fraiseql tbody tr').length,
    styled: root.ownerDocument.styleSheets.length,
    stroke: line ? getComputedStyle(line).stroke : null,
    text: root.innerText.slice(0, 400),
  };
}
Promise.all(frames.map(([name, url, width]) => new Promise(done => {
  const frame = document.createElement('iframe');
  frame.width = width; frame.height = 3000;
  frame.onload = () => setTimeout(() => done([name + ' ' + width, look(frame)]), 100);
  frame.src = url;
  document.body.append(frame);
}))).then(found => {
  document.getElementById('result').textContent = JSON.stringify(Object.fromEntries(found));
  document.querySelectorAll('iframe').forEach(frame => frame.remove());
});
</script>
"""


@pytest.fixture(scope="module")
def folder(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let another process, whose settings have the admin, write the pages; return their folder."""
    made = tmp_path_factory.mktemp("pages")
    with django_db_blocker.unblock():
        environment = {**os.environ, "FRAISEQL_TESTS_DATABASE": str(connection.settings_dict["NAME"])}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "tests.metrics.pages", str(made)],
            cwd=BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return made


def text_of(folder: Path, state: str) -> str:
    """Return the text of a page without its tags."""
    page = (folder / f"{state}.html").read_text().split('id="fraiseql">')[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def row(folder: Path, state: str, table: str, name: str) -> list[str]:
    """Return the cells of a row of a table."""
    page = (folder / f"{state}.html").read_text()
    body = re.search(rf'<table id="{table}">.*?</table>', page, re.DOTALL)
    assert body is not None
    for line in re.findall(r"<tr[^>]*>(.*?)</tr>", body[0], re.DOTALL):
        cells = [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line)]
        if name in cells[:2]:
            return cells
    raise AssertionError(f"no row {name} in {table}")


def test_without_data_the_page_says_what_to_do(folder: Path) -> None:
    text = text_of(folder, "none")

    assert "Execute a GraphQL operation, then load this page again." in text
    assert 'class="fraiseql-plot"' not in (folder / "none.html").read_text()


def test_figures(folder: Path) -> None:
    # four times the same query, one of another
    assert row(folder, "little", "operations", "Shelf")[1:6] == ["4", "75 %", "3", "1", "0"]
    assert row(folder, "little", "root-fields", "books")[1:6] == ["4", "75 %", "3", "1", "0"]
    assert row(folder, "little", "root-fields", "publishers")[1:6] == ["1", "0 %", "0", "1", "0"]
    assert row(folder, "little", "types", "Author")[1:6] == ["4", "75 %", "3", "1", "0"]
    assert row(folder, "little", "reasons", "absent")[:3] == ["miss", "absent", "2"]
    assert row(folder, "little", "reasons", "hit")[:3] == ["hit", "hit", "3"]
    assert row(folder, "little", "slowest", "Shelf")[1] == "books"


def test_a_cache_in_memory_is_said_to_have_the_figures_of_one_process(folder: Path) -> None:
    assert "the figures of the process that has answered this request" in text_of(folder, "little")


def test_plan_of_a_slow_statement(folder: Path) -> None:
    page = (folder / "plan.html").read_text()
    plan = re.search(r'<pre id="plan">(.*?)</pre>', page, re.DOTALL)

    assert plan is not None
    assert "Seq Scan on bookshop_book" in plan[1] or "Index" in plan[1]
    assert "LIMIT %s::bigint" in page


def test_only_superusers_see_the_page(folder: Path) -> None:
    found = json.loads((folder / "found.json").read_text())

    assert found == {"clerk": 403, "nobody": 302, "root sees": True, "clerk sees": False, "models": []}


def test_no_script_and_no_style_attribute_of_ours(folder: Path) -> None:
    for state in STATES:
        own = (folder / f"{state}.html").read_text().split('id="fraiseql">')[1].split("<footer")[0]
        assert "style=" not in own
        assert "<script" not in own.split("</div>\n</div>")[0]


@pytest.fixture(scope="module")
def seen(folder: Path) -> dict[str, Any]:
    """Return what Chromium shows of the pages, by state and width."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        do_without("chromium is not installed")
    frames = [(state, f"/{state}.html", width) for state in (*STATES, "plan") for width in (1280, 420)]
    (folder / "check.html").write_text(CHECK % json.dumps(frames))
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
    profile = folder / "profile"
    try:
        done = subprocess.run(
            [program, *options, f"--user-data-dir={profile}", f"http://127.0.0.1:{server.server_port}/check.html"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        server.shutdown()
        server.server_close()
    result = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert result, done.stdout[-2000:] + done.stderr[-2000:]
    found: dict[str, Any] = json.loads(result[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return found


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = {".html": "text/html; charset=utf-8", ".css": "text/css"}  # noqa: RUF012 - Python's name and type

    def log_message(self, format: str, *args: Any) -> None:
        """Write no line for each request."""


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("state", STATES)
def test_readable_in_chromium(seen: dict[str, Any], state: str, width: int) -> None:
    page = seen[f"{state} {width}"]

    assert page["sticks_out"] <= 0
    assert (page["cut"], page["overlaps"], page["outside"]) == (0, 0, 0)
    assert page["plots"] == (0 if state == "none" else 3)
    assert page["styled"] >= 4
    if state != "none":
        # the colour of the admin's links
        assert page["stroke"].startswith("rgb")
        assert page["smallest"] >= 10


def test_reasons_are_listed_by_kind(folder: Path) -> None:
    page = (folder / "much.html").read_text().split('id="reasons"')[1].split("</table>")[0]

    assert re.findall(r"<tr><td>(\w+)</td><td>(\w+)</td>", page) == [
        ("hit", "hit"),
        ("miss", "absent"),
        ("miss", "written"),
        ("miss", "stale"),
        ("bypass", "transaction"),
        ("bypass", "marked"),
    ]
    assert "<dt>refreshes</dt><dd>990</dd>" in (folder / "much.html").read_text()
    assert "<dt>refreshes</dt>" not in (folder / "little.html").read_text()


def test_a_lot_stays_bounded(seen: dict[str, Any]) -> None:
    assert 60 < seen["much 1280"]["rows"] < 150
