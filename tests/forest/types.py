"""Types over the models of packages."""

import fraiseql_django as fraiseql

from .models import Article, Circle, Drawing, Figure, Recipe, Region, Section, Spice, Square, Task, Unit

FOREST = fraiseql.Registry()


@fraiseql.type(Unit, fields=["id", "name", "depth"], tree=True, registry=FOREST)
class UnitType:
    pass


@fraiseql.type(Section, fields=["id", "name"], tree=True, registry=FOREST)
class SectionType:
    pass


@fraiseql.type(Task, fields=["id", "name", "parent"], tree="parent", registry=FOREST)
class TaskType:
    pass


@fraiseql.type(Region, fields=["id", "name", "parent", "children"], tree=True, registry=FOREST)
class RegionType:
    pass


@fraiseql.type(Article, fields=["id", "title", "tags"], registry=FOREST)
class ArticleType:
    pass


@fraiseql.type(Recipe, fields=["id", "title", "spices"], registry=FOREST)
class RecipeType:
    pass


@fraiseql.type(Spice, fields=["id", "name"], registry=FOREST)
class SpiceType:
    pass


@fraiseql.interface(Figure, fields=["id", "name"], registry=FOREST)
class FigureInterface:
    pass


@fraiseql.type(Circle, fields=["radius"], registry=FOREST)
class CircleType:
    pass


@fraiseql.type(Square, fields=["side"], registry=FOREST)
class SquareType:
    pass


@fraiseql.type(Drawing, fields=["name"], registry=FOREST)
class DrawingType:
    pass
