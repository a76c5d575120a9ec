"""The benchmark measures the same answers, and the page on performance shows the data of its run."""

import json
import re
from dataclasses import replace

import pytest
from django.test import RequestFactory

from benchmarks import report
from benchmarks.sides import MODULES, TITLES, limit
from benchmarks.workloads import WORKLOADS, Workload
from fraiseql_django import get_engine

PAGE = report.PAGE.read_text(encoding="utf-8")
COMPARISON = report.COMPARISON.read_text(encoding="utf-8")


@pytest.mark.django_db
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_sql_by_hand_gives_the_answer_of_the_endpoint(bookshop: object, workload: Workload) -> None:
    # the small bookshop of the tests has no book with a higher key
    given = {**workload.variables, "id": "7"} if "id" in workload.variables else workload.variables
    asked = replace(workload, variables=given)
    body = json.dumps({"query": asked.query, "variables": given})
    request = RequestFactory().post("/", body, content_type="application/json")

    by_hand = json.loads(limit.view(asked)(request).content)

    assert by_hand == json.loads(get_engine().execute(asked.query, given).body)
    assert by_hand["data"][asked.root]


def test_every_side_has_a_title() -> None:
    assert list(MODULES) == list(TITLES)


@pytest.mark.parametrize("text", [PAGE, COMPARISON], ids=["performance", "comparison"])
def test_page_shows_the_tables_of_the_committed_results(text: str) -> None:
    assert report.page(text, report.results()) == text


@pytest.mark.parametrize("name", report.drawn(report.results()))
def test_plot_is_drawn_from_the_committed_results(name: str) -> None:
    plot = report.drawn(report.results())[name]
    text = (report.DATA / name).read_text(encoding="utf-8")

    assert re.findall(r"<dc:description>(\w+)</dc:description>", text) == [report.fingerprint(plot)]
    # it is read on a dark page as well
    assert 'style="fill: #ffffff"' in text


def test_comparison_says_what_was_measured() -> None:
    bench = report.results()["bench.json"]
    sides = {side: one["median_ms"] for side, one in bench["in_process"]["mutation"].items()}
    rps = {side: one["rps"] for side, one in bench["http"]["granian"]["workloads"]["mutation"].items()}
    more = [one["cold"]["median_ms"] - one["known"]["median_ms"] for one in bench["in_process"].values()]
    text = " ".join(COMPARISON.split())

    assert f"{sides['known']:.2f} ms, where strawberry-django took {sides['strawberry']:.2f}" in text
    times = [round(rps[side] / rps["known"]) for side in ("postgraphile4", "postgraphile5")]
    assert f"executed {times[0]} to {times[1]} times as many a second" in text
    assert f"takes {min(more):.0f} to {max(more):.0f} ms more" in text
    trees = [bench["in_process"]["tree-large"][side]["statements"] for side in ("known", "strawberry", "graphene")]
    assert f"| statements for a tree of three levels | {trees[0]} | {trees[1]} | {trees[2]}, with hints" in text


def test_page_has_every_table_and_every_plot() -> None:
    assert set(re.findall(r"<!-- ([\w-]+) -->", PAGE + COMPARISON)) == set(report.TABLES)
    shown = set(re.findall(r"\(performance/([\w-]+\.svg)\)", PAGE))
    assert shown == {path.name for path in report.DATA.glob("*.svg")}
