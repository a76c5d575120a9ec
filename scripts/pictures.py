"""Take the pictures of the documentation from a served demo: ``python -m scripts.pictures http://127.0.0.1:8000``.

``make demo`` serves one. Names of pictures (``graphiql admin``) restrict the command to these; they are written to
docs/pictures, or to the folder of ``--out``. It needs Chromium, node and npm; npm's playwright-core is installed
into .local/npm. The plots of the admin page show the minutes in which the demo has executed operations.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "pictures"
PLAYWRIGHT = "playwright-core@1.65.1"
# as many as keep the letters smooth
COLOURS = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of a page: what is done before it is taken, by the names of steps in pictures.mjs."""

    name: str
    steps: Sequence[tuple[str, Any]]
    width: int = 1280
    height: int = 720


QUERY = """{
  books(
    where: {
      price: {gte: "10"}
      authors: {
        some: {name: {istartswith: "le"}}
      }
    }
    orderBy: [{title: ASC}]
    limit: 20
  ) {
    title
    price
    authors {
      name
      books(limit: 3) { title }
    }
    reviewsCount
  }
}
"""
EXECUTED: Sequence[tuple[str, Any]] = (
    ("open", f"/graphql/?{urlencode({'query': QUERY})}"),
    ("wait", ".graphiql-query-editor .view-line"),
    ("click", ".graphiql-execute-button"),
    ("wait", ".result-window :text('reviewsCount')"),
)
SIGNED_IN: Sequence[tuple[str, Any]] = (
    ("open", "/admin/login/?next=/admin/fraiseql_django/operations/"),
    ("fill", ("[name=username]", "admin")),
    ("fill", ("[name=password]", "admin")),
    ("click", "[type=submit]"),
    ("wait", "#fraiseql"),
)
PICTURES = (
    Picture(name="graphiql", steps=EXECUTED),
    Picture(name="admin", steps=SIGNED_IN, height=900),
    Picture(name="demo", steps=[("open", "/"), ("wait", "h1")], height=900),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Take the pictures and make them small."""
    names = [picture.name for picture in PICTURES]
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation from a served demo.")
    parser.add_argument("site", help="URL of the demo, for instance http://127.0.0.1:8000")
    parser.add_argument(
        "pictures", nargs="*", metavar="name", help=f"pictures to take; by default all: {', '.join(names)}"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="the folder to write to; by default docs/pictures")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.pictures) - set(names)):
        parser.error(f"there is no picture {unknown[0]!r}; there are: {', '.join(names)}")
    wanted = [picture for picture in PICTURES if not options.pictures or picture.name in options.pictures]
    options.out.mkdir(parents=True, exist_ok=True)
    take(options.site.rstrip("/"), wanted, options.out)
    for picture in wanted:
        path = options.out / f"{picture.name}.png"
        _shrink(path)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def take(site: str, pictures: Sequence[Picture], out: Path) -> None:
    """Let Chromium open the pages, and write a picture of each; end the program with the reason if it cannot."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None or shutil.which("npm") is None:
        sys.exit("The pictures need Chromium, node and npm (Debian and Ubuntu: apt install chromium npm).")
    folder = ROOT / ".local" / "npm" / PLAYWRIGHT
    if not (folder / "node_modules" / "playwright-core").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), PLAYWRIGHT], check=True)
    script = str(Path(__file__).with_suffix(".mjs"))
    given = json.dumps([dataclasses.asdict(picture) for picture in pictures])
    done = subprocess.run(
        ["node", script, str(folder), program, site, str(out)],
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        sys.exit(f"The pictures of {site} failed:\n{done.stderr.strip()}")


def _shrink(path: Path) -> None:
    """Write a picture with few colours, which takes a third of the bytes."""
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
