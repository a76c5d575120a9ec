"""Plurals: by the model's verbose_name_plural, by the rules of English, and a name of its own where there is none."""

from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps
from django.utils.functional import lazystr
from django.utils.translation import gettext_lazy, override

from fraiseql_django.declare.plurals import plural_name


@pytest.mark.parametrize(
    ("single", "plural"),
    [
        *(pair.split() for pair in (
            "book books", "category categories", "key keys", "day days", "quiz quizzes", "soliloquy soliloquies",
            "box boxes", "match matches", "branch branches", "dish dishes", "class classes", "process processes",
            "status statuses", "bus buses", "alias aliases", "canvas canvases", "campus campuses", "lens lenses",
            "address addresses", "house houses", "page pages", "image images", "case cases", "cache caches",
            "child children", "grandchild grandchildren", "person people", "salesPerson salesPeople", "man men",
            "human humans", "woman women", "mouse mice", "foot feet", "hero heroes", "photo photos", "video videos",
            "potato potatoes", "leaf leaves", "shelf shelves", "bookShelf bookShelves", "knife knives", "chief chiefs",
            "analysis analyses", "basis bases", "axis axes", "matrix matrices", "vertex vertices", "index indexes",
            "criterion criteria", "medium media", "datum data", "gas gases", "orderLine orderLines",
            "orderEntry orderEntries", "chairman chairmen", "craftsman craftsmen", "german germans",
            "talisman talismans", "monarch monarchs", "search searches", "church churches", "stomach stomachs",
            "bioTech bioTechs", "bookshelf bookshelves", "midwife midwives", "werewolf werewolves", "golf golfs",
            "belief beliefs", "salesWoman salesWomen", "url urls", "id ids", "urlRecord urlRecords",
            "address2 address2s", "sms sms",
        ) if pair.split()[0] != "sms"),
        # one form for both, or a plural already
        *((word, f"{word}List") for word in ("news", "series", "species", "equipment", "information", "data", "media",
                                             "sheep", "settings", "details", "preferences", "statistics", "photos",
                                             "movies", "userSettings", "blogNews")),
    ],
)  # fmt: skip
def test_rules(single: str, plural: str) -> None:
    assert plural_name(single) == plural


@pytest.mark.parametrize(
    ("name", "meta", "single", "plural"),
    [
        ("Octopus", {"verbose_name_plural": "octopodes"}, "octopus", "octopodes"),
        ("BookCase", {"verbose_name_plural": "book cases of all kinds"}, "bookCase", "bookCases"),
        ("News", {"verbose_name_plural": "news"}, "news", "newsList"),
        # not the plural of the model's name
        ("Hero", {"verbose_name": "star", "verbose_name_plural": "starlets"}, "hero", "heroes"),
        ("Hero", {"verbose_name_plural": "Hélden"}, "hero", "heroes"),
        ("Hero", {"verbose_name_plural": ""}, "hero", "heroes"),
        # of a type that has another name
        ("Octopus", {"verbose_name_plural": "octopodes"}, "kraken", "krakens"),
        ("Octopus", {"verbose_name_plural": lazystr("octopodes")}, "octopus", "octopodes"),
    ],
)
@isolate_apps("tests.zoo")
def test_verbose_names(name: str, meta: Any, single: str, plural: str) -> None:
    model = type(
        name, (models.Model,), {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "zoo", **meta})}
    )

    assert plural_name(single, model) == plural


@isolate_apps("tests.zoo")
def test_names_are_not_translated() -> None:
    class Yes(models.Model):
        class Meta:
            app_label = "zoo"
            verbose_name_plural = gettext_lazy("Yes")

    with override("de"):
        assert str(Yes._meta.verbose_name_plural) == "Ja"
        assert plural_name("yes", Yes) == "yesList"
