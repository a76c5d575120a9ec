"""
Operations that are executed both ways, by what they show.

`SHOP` are asked of the bookshop, `ZOO` of the zoo. An operation with several sets of variables is executed with
each of them in turn, so that a plan made for one is tried on the next.
"""

from dataclasses import dataclass
from typing import Any

Variables = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """An operation and what it is executed with."""

    query: str
    variables: tuple[Variables, ...] = ({},)
    name: str | None = None


def asked(query: str, *variables: Variables, name: str | None = None) -> Asked:
    """Make an operation; without variables it is executed once."""
    return Asked(query, variables or ({},), name)


FLAGS = ({"yes": True}, {"yes": False}, {"yes": True})

SHOP = {
    # --- aliases and merging ---
    "aliases": asked("{ a: books(limit: 2) { b: title c: title title d: id } }"),
    "alias with the name of another field": asked("{ authors: books(limit: 2) { id: title title: id } }"),
    "the same field twice": asked("{ books(limit: 2) { title title } books(limit: 2) { id } }"),
    "selections of one field merge": asked(
        "{ books(limit: 3) { publisher { id } title publisher { name country } publisher { id } } }"
    ),
    "selections of one list merge": asked(
        """{ books(limit: 3) {
             reviews(limit: 2, orderBy: [{stars: DESC}]) { stars }
             title
             reviews(limit: 2, orderBy: [{stars: DESC}]) { customer { name } stars id } } }"""
    ),
    "selections merge over fragments": asked(
        """{ books(limit: 3) { ...A ...B ... on Book { publisher { founded } } } }
           fragment A on Book { publisher { name } title }
           fragment B on Book { id publisher { id books(limit: 1) { title } } ...C }
           fragment C on Book { publisher { books(limit: 1) { id } } price }"""
    ),
    "one field under aliases with other arguments": asked(
        """{ books(limit: 3) {
             best: reviews(orderBy: [{stars: DESC}], limit: 1) { stars headline }
             worst: reviews(orderBy: [{stars: ASC}], limit: 1) { stars }
             none: reviews(limit: 0) { id } } }"""
    ),
    "root fields under aliases": asked("{ a: book(id: 1) { title } b: book(id: 2) { title } c: book(id: 0) { title } }"),
    # --- fragments ---
    "named fragment": asked("{ books(limit: 2) { ...F } } fragment F on Book { title price }"),
    "fragment repeated": asked("{ books(limit: 2) { ...F title ...F } } fragment F on Book { id title }"),
    "fragment in several places": asked(
        "{ a: books(limit: 2) { ...F } b: authors(limit: 2) { books(limit: 1) { ...F } } } fragment F on Book { title }"
    ),
    "nested fragments": asked(
        """{ books(limit: 2) { ...A } } fragment A on Book { authors { ...B } ...C }
           fragment B on Author { name books(limit: 2) { ...C } } fragment C on Book { title }"""
    ),
    "inline fragments": asked(
        "{ books(limit: 2) { ... { title } ... on Book { id ... on Book { ... { price } } } } }"
    ),
    "fragment on the root": asked("{ ...R ... on Query { b: authors(limit: 1) { name } } } fragment R on Query { books(limit: 1) { id } }"),
    "fragment of fragments only": asked(
        "{ ...R } fragment R on Query { ...S ...S } fragment S on Query { ...T } fragment T on Query { books(limit: 1) { id } }"
    ),
    "fragment on an embedded object": asked(
        "{ books(limit: 20) { cover { ...F url } } } fragment F on File { name __typename }"
    ),
    # --- @include and @skip ---
    "conditions on fields": asked(
        "query ($yes: Boolean!) { books(limit: 2) { title @include(if: $yes) price @skip(if: $yes) id } }", *FLAGS
    ),
    "conditions with literals": asked(
        "{ books(limit: 2) { title @include(if: true) price @skip(if: true) id @include(if: false) pages @skip(if: false) } }"
    ),
    "both conditions": asked(
        "query ($yes: Boolean!, $no: Boolean!) { books(limit: 2) { id title @include(if: $yes) @skip(if: $no) } }",
        *({"yes": yes, "no": no} for yes in (True, False) for no in (True, False)),
    ),
    "conditions on inline fragments": asked(
        """query ($yes: Boolean!) { books(limit: 2) { id ... @include(if: $yes) { title }
           ... on Book @skip(if: $yes) { price } } }""",
        *FLAGS,
    ),
    "conditions on spreads": asked(
        """query ($yes: Boolean!) { books(limit: 2) { id ...F @include(if: $yes) ...G @skip(if: $yes) ...F @skip(if: true) } }
           fragment F on Book { title } fragment G on Book { price }""",
        *FLAGS,
    ),
    "a spread skipped once and taken later": asked(
        "{ books(limit: 2) { ...F @skip(if: true) id ...F } } fragment F on Book { title }"
    ),
    "conditions on root fields": asked(
        "query ($yes: Boolean!) { books(limit: 1) @include(if: $yes) { id } authors(limit: 1) @skip(if: $yes) { id } }",
        *FLAGS,
    ),
    "conditions on relations": asked(
        """query ($yes: Boolean!) { books(limit: 2) { id publisher @include(if: $yes) { name }
           reviews(limit: 1) @skip(if: $yes) { stars } authors { name @include(if: $yes) id @skip(if: $yes) } } }""",
        *FLAGS,
    ),
    "conditions within fragments": asked(
        """query ($yes: Boolean!) { books(limit: 2) { ...F } }
           fragment F on Book { id title @include(if: $yes) publisher { ...P @skip(if: $yes) id } }
           fragment P on Publisher { name }""",
        *FLAGS,
    ),
    "condition with a default": asked(
        "query ($yes: Boolean = true) { books(limit: 1) { id title @include(if: $yes) } }", {}, {"yes": False}, {"yes": True}
    ),
    "everything skipped": asked("{ books(limit: 2) { title @skip(if: true) } }"),
    "everything skipped at the root": asked("{ books(limit: 2) @skip(if: true) { title } }"),
    "everything skipped below": asked(
        "{ books(limit: 2) { publisher { id @include(if: false) } category { id @skip(if: true) } reviews(limit: 1) { id @skip(if: true) } } }"
    ),
    "a merged field skipped in one place": asked(
        "query ($yes: Boolean!) { books(limit: 1) { publisher @skip(if: $yes) { id } publisher { name } } }", *FLAGS
    ),
    # --- __typename ---
    "typename everywhere": asked(
        """{ __typename t: __typename books(limit: 20) { __typename kind: __typename title
             publisher { __typename } category { __typename parent { __typename } }
             reviews(limit: 1) { __typename customer { __typename } } cover { __typename c: __typename } } }"""
    ),
    "typename alone": asked("{ __typename }"),
    "typename in fragments": asked(
        "{ ...Q books(limit: 1) { ...B } } fragment Q on Query { __typename } fragment B on Book { __typename publisher { ... { __typename } } }"
    ),
    # --- operations ---
    "one of several operations": asked(
        "query A { books(limit: 1) { id } } query B { authors(limit: 1) { id ...F } } fragment F on Author { name }", name="B"
    ),
    "the other of several operations": asked(
        "query A($n: Int!) { books(limit: $n) { id } } query B($n: String) { authors(where: {name: {eq: $n}}) { id } }",
        {"n": 2}, {"n": 3}, name="A",
    ),
    "one operation by its name": asked("query Only { books(limit: 1) { id } }", name="Only"),
    "several root fields": asked(
        "{ books(limit: 1) { title } authors(limit: 1) { name } book(id: 3) { title } categories(limit: 1) { name } __typename }"
    ),
    "directives and names that mean nothing": asked(
        "query Q { z: books(limit: 1) { on: title fragment: id query: price true: pages null: format input: isbn } }"
    ),
    # --- by key ---
    "by key, hit": asked("{ book(id: 1) { id title publisher { name } } }"),
    "by key, miss": asked("{ book(id: 123456789) { id title reviews { id } } }"),
    "by key as text and as number": asked('{ a: book(id: "2") { id } b: book(id: 2) { id } }'),
    "by key from a variable": asked("query ($id: ID!) { book(id: $id) { title } }", {"id": 1}, {"id": "2"}, {"id": 0}),
    "by composite key": asked("query ($o: ID!, $n: Int!) { orderLine(orderId: $o, lineNumber: $n) { quantity lineNumber order { number } } }",
                              {"o": 1, "n": 1}, {"o": 2, "n": 1}, {"o": 1, "n": 99}),
    # --- variables ---
    "variables with defaults": asked(
        """query ($n: Int = 2, $w: BookWhere = {inPrint: {eq: true}}, $o: [BookOrderBy!] = [{price: DESC}]) {
             books(limit: $n, where: $w, orderBy: $o) { title price } }""",
        {}, {"n": 3}, {"n": None}, {"w": {"pages": {"gt": 300}}}, {"w": None, "n": 3}, {"o": []}, {"o": None, "n": 1},
        {"o": {"title": "ASC"}}, {"o": [{"publisher": {"name": "ASC"}}, {"price": "DESC_NULLS_FIRST"}]},
    ),
    "null against absent": asked(
        "query ($d: Date) { books(where: {published: {eq: $d}}, orderBy: [{id: ASC}], limit: 3) { id published } }",
        {"d": None}, {"d": "2001-01-01"}, {"d": None},
    ),
    "null against absent, further up": asked(
        "query ($f: DateFilter = {}, $w: AuthorWhere!) { books(where: {published: $f, authors: {some: $w}}, limit: 3) { id } }",
        {"w": {}}, {"f": {}, "w": {}}, {"f": {"eq": None}, "w": {}}, {"f": {"neq": None}, "w": {"born": {"isnull": False}}},
    ),
    "null against absent, at the top": asked(
        """query ($w: BookWhere, $o: [BookOrderBy!], $n: Int, $m: Int) {
             books(where: $w, orderBy: $o, limit: $n, offset: $m) { id } booksCount(where: $w) }""",
        {}, {"w": None, "o": None, "n": None, "m": None}, {"w": {}, "o": [], "n": 2, "m": 1}, {"w": {"AND": []}}, {},
    ),
    "flags in variables": asked(
        "query ($no: Boolean) { books(where: {pages: {isnull: $no}}, orderBy: [{id: ASC}]) { id pages } }",
        {"no": True}, {"no": False}, {"no": True},
    ),
    "flags in variables, further up": asked(
        "query ($w: BookWhere) { books(where: $w, orderBy: [{id: ASC}]) { id pages } }",
        {"w": {"pages": {"isnull": True}}}, {"w": {"pages": {"isnull": False}}}, {"w": {"inPrint": {"eq": True}}},
        {"w": {"inPrint": {"eq": False}}},
    ),
    "a variable used twice": asked(
        "query ($n: Int!, $t: String!) { books(limit: $n, offset: $n, where: {title: {icontains: $t}}) { title reviews(limit: $n) { id } } }",
        {"n": 1, "t": "a"}, {"n": 2, "t": "B"},
    ),
    "variables in lists": asked(
        "query ($a: Int!) { books(where: {pages: {in: [$a, 100, 200]}}) { id } categories(where: {id: {in: [1, 2]}}) { id } }",
        {"a": 300}, {"a": 100},
    ),
    "lists of any length": asked(
        "query ($ids: [ID!]!) { books(where: {id: {in: $ids}}, orderBy: [{id: ASC}]) { id } }",
        {"ids": []}, {"ids": [1]}, {"ids": "2"}, {"ids": [3, 1, 2, 1, 999]}, {"ids": list(range(1, 40))},
    ),
    "directions in variables": asked(
        "query ($d: OrderDirection!, $e: OrderDirection) { books(orderBy: [{published: $d}, {id: $e}], limit: 5) { id published } }",
        *({"d": d, "e": e} for d in ("ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_LAST") for e in ("ASC", "DESC")),
    ),
    "enums in variables": asked(
        "query ($f: BookFormat, $fs: [BookFormat!]) { books(where: {OR: [{format: {eq: $f}}, {format: {in: $fs}}]}) { id format } }",
        {"f": "E_BOOK", "fs": []}, {"f": "HARDCOVER", "fs": ["AUDIO", "E_BOOK"]},
    ),
    "literals and variables agree": asked(
        """query ($p: Decimal!) { a: books(where: {price: {gte: $p}}) { id } b: books(where: {price: {gte: 30.50}}) { id }
             c: books(where: {price: {gte: "30.50"}}) { id } d: books(where: {price: {gte: 30.5}}) { id } }""",
        {"p": "30.50"}, {"p": 30.5}, {"p": 31},
    ),
    # --- lists in lists ---
    "deep": asked(
        """{ categories(where: {parent: {id: {isnull: true}}}) { name children(limit: 2) { name children(limit: 2) { name
             books(limit: 1) { title authors { name books(limit: 1) { title publisher { books(limit: 1) { reviews(limit: 1) {
             customer { name orders(limit: 1) { lines(limit: 1) { book { id } } } } } } } } } } } } } }"""
    ),
    "lists in lists with arguments": asked(
        """query ($stars: Int!, $n: Int) { publishers(orderBy: [{name: DESC}], limit: 3) { name
             books(where: {reviews: {some: {stars: {gte: $stars}}}}, orderBy: [{price: DESC}], limit: $n, offset: 1) { title price
               reviews(where: {stars: {gte: $stars}, text: {neq: ""}}, orderBy: [{stars: DESC}, {createdAt: ASC}], limit: 2) { stars id }
             } } }""",
        {"stars": 5, "n": 2}, {"stars": 1, "n": 1}, {"stars": 3}, {"stars": 3, "n": None}, {"stars": 6, "n": 0},
    ),
    "pages of a many-to-many list": asked(
        "{ authors { name books(orderBy: [{title: DESC}], limit: 2, offset: 1) { title } bookCount } }"
    ),
    "empty lists": asked('{ books(where: {id: {in: []}}) { id } authors(where: {books: {none: {}}}) { name books { id } } books2: books(offset: 100000) { id } }'),
    "relations that lead nowhere": asked("{ categories { name parent { name parent { name books(limit: 1) { id } } } } reviews(limit: 30) { customer { name user { username } } } }"),
    "one-to-one both ways": asked("{ customers(limit: 3) { name user { id username } } }"),
    # --- computed ---
    "computed": asked("{ books(limit: 5) { id reviewCount averageStars } authors(limit: 3) { bookCount books(limit: 2) { reviewCount } } }"),
    "computed behind to-one relations": asked("{ reviews(limit: 5) { book { reviewCount averageStars } } }"),
    "computed in conditions and orders": asked(
        """{ books(where: {reviewCount: {gte: 5}, averageStars: {lt: 3.5}}, orderBy: [{averageStars: DESC}, {reviewCount: ASC}]) { id averageStars }
             reviews(where: {book: {reviewCount: {eq: 1}}}, orderBy: [{book: {reviewCount: DESC}}], limit: 4) { id } }"""
    ),
    # --- introspection ---
    "introspection beside data": asked(
        """{ __schema { queryType { name } types { name kind } } books(limit: 1) { title } __typename
             __type(name: "Book") { name fields { name type { name kind ofType { name } } } } }"""
    ),
    "introspection under aliases": asked('{ a: __type(name: "Book") { name } b: __type(name: "Nope") { name } s: __schema { __typename } }'),
    "introspection with variables": asked(
        """query ($name: String!, $old: Boolean = false, $yes: Boolean!) { __type(name: $name) { ...T kind @include(if: $yes) }
             __schema @skip(if: $yes) { queryType { name } } }
           fragment T on __Type { name fields(includeDeprecated: $old) { name } enumValues(includeDeprecated: $old) { name } }""",
        {"name": "Book", "yes": True}, {"name": "Author", "yes": False, "old": True}, {"name": "BookFormat", "yes": True},
        {"name": "Query", "yes": True, "old": True},
    ),
    # --- texts ---
    "unicode and what SQL and LIKE take for their own": asked(
        "query ($t: String!) { books(where: {title: {contains: $t}}) { id } authors(where: {name: {icontains: $t}}) { id name } publishers(where: {name: {eq: $t}}) { id } }",
        *({"t": t} for t in ("é", "%", "_", "\\", "'", '"', "%s", "{0}", "$1", "日本", "\U0001f98a", "", " ", "A", ";--")),
    ),
    "block strings and escapes": asked('{ books(where: {title: {neq: "a\\"b\\u00e9\\n\\\\"}}, limit: 1) { id } authors(where: {name: {neq: """x"y"""}}, limit: 1) { id } }'),
}  # fmt: skip

ZOO = {
    "keys of every kind": asked(
        """query ($keeper: ID!, $house: ID!, $n: Int!) { keeper(id: $keeper) { id name } house(id: $house) { code title }
             cage(houseId: $house, number: $n) { number label house { title } } passport(id: 1) { number animal { name } }
             shortKey(id: 1) { id } plainKey(id: 2) { number label } pizzeria(id: 3) { oven id } restaurant(id: 3) { id } }""",
        {"keeper": "00000000-0000-1111-2222-333344445555", "house": "APE", "n": 1},
        {"keeper": "00000000000011112222333344445555", "house": "b/1", "n": -7},
        {"keeper": "{00000000-0000-1111-2222-333344445555}", "house": "é", "n": 0},
        {"keeper": "FFFFFFFF-0000-1111-2222-333344445555", "house": "", "n": 1},
    ),
    "self references": asked(
        "{ animals { name mother { name mother { name children { name } } } children { name children { name } } } keepers { name deputy { name deputy { name } } deputises { name } } }"
    ),
    "self many-to-many": asked(
        "{ animals { name friends { name friends { name } } prey { name } hunters(orderBy: [{weight: DESC}]) { name prey { name } } } }"
    ),
    "many-to-many over a model of its own": asked(
        """{ animals { name foods { name eaters { name } } feedings(orderBy: [{grams: DESC}]) { grams food { name feedings { grams } } } foodCount heavyFoods }
             foods { name eaters(limit: 2) { name } feedings(where: {grams: {gt: 100}}) { animal { name } } } }"""
    ),
    "key that is not the key": asked("{ animals { species { latin common rank } } speciesList { latin animals { name } averageWeight } }"),
    "relations without a way back": asked("{ animals { name bornIn { code title } seenIn { code cages { number width } } } houses { code } }"),
    "one-to-one both ways": asked("{ animals { name passport { number chip { code reader { name chip { code passport { number } } } } } } chips { code passport { animal { passport { number } } } } }"),
    "what the default manager hides": asked(
        """{ animals { name } houses { keeper { animals { name } } } passports { number animal { name mother { name children { name } } } }
             feedings { animal { name gone } } foods { eaters { name } } a: animal(id: 4) { name } b: animal(id: 3) { name children { name } } }"""
    ),
    "what the default manager hides, in conditions": asked(
        """{ a: keepers(where: {animals: {some: {gone: {eq: true}}}}) { name } b: keepers(where: {animals: {every: {name: {eq: "Rex"}}}}) { name }
             c: passports(where: {animal: {gone: {eq: true}}}) { number } d: foods(where: {eaters: {none: {}}}) { name } }"""
    ),
    "inheritance": asked(
        """{ places { name address restaurant { stars guests { name } pizzas { oven } } supplied { name stars } }
             restaurants { id name address stars placePtr { name } guests { name avoids { oven name } } suppliers { name restaurant { stars } } pizzas { oven } }
             pizzerias { id name address stars oven base { stars name } placePtr { name } guests { name } avoidedBy { name } suppliers { name } }
             guests { name haunt { name stars pizzas { oven } } avoids { name oven base { stars } } } }"""
    ),
    "inheritance in conditions and orders": asked(
        """{ places(where: {restaurant: {stars: {gte: 1}}}) { name } restaurants(where: {name: {startswith: "G"}}, orderBy: [{address: DESC}]) { name }
             pizzerias(where: {base: {name: {eq: "Oven"}}, stars: {isnull: true}}) { name } guests(where: {avoids: {suppliers: {some: {name: {eq: "Park"}}}}}) { name }
             g: guests(orderBy: [{avoids: {name: ASC_NULLS_FIRST}}, {haunt: {stars: DESC}}]) { name } }"""
    ),
    "proxy": asked("{ tamed { name keeper { name } children { name } } tame(id: 1) { name } }"),
    "two types over one model": asked("{ animalCards { name keeperId speciesId mother { name friends { __typename name } } } animal(id: 1) { __typename friends { __typename } } animalCard(id: 1) { __typename } }"),
    "orders of models": asked("{ animals { id } speciesList { id } feedings { id } albums { title parts { title } pages { place } } pages { id } keepers { animals { id } } }"),
    "managers that group": asked("{ albums(where: {pages: {some: {place: {gt: 0}}}}) { title pages { place } } album(id: 2) { title parent { title parts { title } } } pages { album { title } } }"),
    "managers that surprise": asked(
        """{ eatenFoods { name feedings(limit: 1) { grams } } a: eatenFoods(orderBy: [{name: DESC}], limit: 2) { name } b: eatenFoods(orderBy: [{name: ASC}], offset: 1) { name }
             c: eatenFoods(where: {feedings: {some: {grams: {gt: 400}}}}) { name } eaten(id: 1) { name } d: eaten(id: 4) { name } }"""
    ),
    "names that must be quoted": asked(
        """{ odds { id capital keyword braces parent { capital keyword } kids(orderBy: [{keyword: DESC}]) { capital braces } others { id } othersOf { capital } kidCount }
             o: odds(where: {capital: {contains: "Kid"}, parent: {braces: {eq: "{0}"}}, keyword: {gt: 1}}) { id } elsewheres { label } elsewhere(id: 1) { id } }"""
    ),
    "three truth values": asked(
        """{ a: animals(where: {NOT: {weight: {gt: 10}}}) { id } b: animals(where: {weight: {neq: 40}}) { id }
             c: animals(where: {NOT: {NOT: {weight: {neq: 40}}}}) { id } d: animals(where: {NOT: {OR: [{weight: {lt: 1}}, {name: {eq: "Rex"}}]}}) { id }
             e: animals(where: {NOT: {AND: [{weight: {lt: 1}}, {name: {eq: "Rex"}}]}}) { id } f: animals(where: {weight: {nin: [40, 80.5]}}) { id }
             g: animals(where: {NOT: {weight: {in: [40]}}}) { id } h: animals(where: {NOT: {mother: {name: {eq: "Koko"}}}}) { id }
             i: animals(where: {mother: {NOT: {name: {eq: "Koko"}}}}) { id } j: animals(where: {mother: {weight: {eq: null}}}) { id }
             k: animals(where: {mother: {id: {eq: null}}}) { id } l: animals(where: {weight: {neq: null}}) { id }
             m: animals(where: {NOT: {weight: {eq: null}}}) { id } n: animals(where: {weight: {nin: []}}) { id } o: animals(where: {weight: {in: []}}) { id } }"""
    ),
    "empty conditions": asked(
        """{ a: foods(where: {}) { id } b: foods(where: {AND: []}) { id } c: foods(where: {OR: []}) { id } d: foods(where: {NOT: {}}) { id }
             e: foods(where: {OR: [{}]}) { id } f: foods(where: {NOT: {OR: []}}) { id } g: foods(where: {AND: [{}, {name: {}}]}) { id }
             h: foods(where: {NOT: {AND: []}}) { id } i: foods(where: {OR: [{OR: []}, {name: {eq: "Bone"}}]}) { id } j: foods(where: {eaters: {}}) { id }
             k: foods(where: {eaters: {some: {}}}) { id } l: foods(where: {eaters: {every: {}}}) { id } m: foods(where: {eaters: {none: {}}}) { id }
             n: animals(where: {mother: {}}) { id } o: animals(where: {NOT: {mother: {}}}) { id } p: foods(where: {AND: {name: {eq: "Bone"}}, OR: {id: {gt: 0}}}) { id }
             q: foods(where: {eaters: {some: {OR: []}}}) { id } r: foods(where: {eaters: {every: {OR: []}}}) { id } s: foods(where: {NOT: {eaters: {some: {AND: []}}}}) { id } }"""
    ),
    "quantifiers": asked(
        """{ a: keepers(where: {animals: {some: {weight: {gt: 50}}}}) { name } b: keepers(where: {animals: {every: {weight: {gt: 0}}}}) { name }
             c: keepers(where: {animals: {none: {weight: {gt: 30}}}}) { name } d: keepers(where: {animals: {some: {name: {eq: "Rex"}}, none: {weight: {gt: 50}}}}) { name }
             e: keepers(where: {NOT: {animals: {every: {weight: {gt: 10}}}}}) { name } f: keepers(where: {animals: {every: {foods: {some: {name: {eq: "Banana"}}}}}}) { name }
             g: animals(where: {friends: {some: {friends: {some: {name: {eq: "Koko"}}}}}}) { id } h: animals(where: {prey: {some: {hunters: {every: {keeper: {name: {eq: "Bob"}}}}}}}) { id }
             i: animals(where: {mother: {children: {some: {weight: {isnull: false}}}}}) { id } j: animals(where: {mother: {children: {none: {}}}}) { id }
             k: houses(where: {keeper: {animals: {every: {gone: {eq: false}}}}}) { code } l: animals(where: {seenIn: {some: {cages: {some: {width: {gte: "2.5"}}}}}}) { id }
             m: animals(where: {OR: [{children: {some: {name: {eq: "Kiki"}}}}, {NOT: {foods: {some: {}}}}]}) { id } n: animals(where: {passport: {chip: {code: {gt: 7}}}}) { id }
             o: animals(where: {passport: {chip: {reader: {animals: {some: {}}}}}}) { id } }"""
    ),
    "orders": asked(
        """{ a: animals(orderBy: [{weight: ASC}]) { id } b: animals(orderBy: [{weight: DESC}]) { id } c: animals(orderBy: [{weight: ASC_NULLS_FIRST}, {name: DESC}]) { id }
             d: animals(orderBy: [{weight: DESC_NULLS_LAST}, {id: DESC}]) { id } e: animals(orderBy: [{mother: {name: ASC}}, {species: {rank: DESC}}]) { id }
             f: animals(orderBy: {keeper: {deputy: {name: DESC_NULLS_LAST}}}) { id } g: animals(orderBy: [{passport: {chip: {code: ASC}}}]) { id }
             h: cages(orderBy: [{width: DESC}]) { label } i: cages(orderBy: [{house: {title: DESC}}]) { label } j: animals(orderBy: [{gone: DESC}, {foodCount: ASC}, {cardOfMother: DESC}]) { id }
             k: specimens(orderBy: [{odd: ASC}, {level: DESC}]) { id } l: specimens(orderBy: [{document: DESC}]) { id } m: specimens(orderBy: [{heavy: DESC}, {half: ASC}]) { id }
             n: specimens(orderBy: [{ip: ASC}]) { id } o: specimens(orderBy: [{duration: DESC_NULLS_LAST}]) { id } p: animals(orderBy: []) { id } q: animals(orderBy: null, limit: null, offset: null, where: null) { id } }"""
    ),
    "embedded objects": asked(
        """{ specimens { name document { name url size __typename } documentNull { url n: name } picture { width height url } barePicture { width height name }
             intRange { lower upper lowerInclusive upperInclusive isEmpty } dateRange { ...D } d: dateRange { ...D } decimalRange { lower ... { upper } __typename } } }
           fragment D on DateRange { upper lower t: __typename isEmpty }"""
    ),
    "embedded objects in relations": asked("{ odds { parent { capital } } animals { keeper { houses { cages { width } } } } }"),
    "variables for whole ranges and parts of them": asked(
        """query ($r: IntRangeInput, $l: Int, $u: Int, $b: String) { a: specimens(where: {intRange: {eq: $r}}) { id } b: specimens(where: {intRange: {eq: {lower: $l, upper: $u, bounds: $b}}}) { id }
             c: specimens(where: {intRange: {in: [$r2, {lower: 1, upper: 5}]}}) { id } }""".replace("$r2, ", ""),
        {"r": {"lower": 1, "upper": 5}, "l": 1, "u": 4, "b": "[]"}, {"r": {"lower": 0, "upper": 4, "bounds": "(]"}, "u": 10},
        {"r": {"lower": 3, "upper": 3}, "l": 10}, {"r": None, "l": None, "u": None, "b": None},
    ),
    "JSON in conditions": asked(
        """query ($j: JSON, $js: [JSON!]) { a: specimens(where: {json: {eq: $j}}) { id } b: specimens(where: {json: {in: $js}}) { id } c: specimens(where: {jsonSet: {neq: $j}}) { id }
             d: specimens(where: {json: {eq: {eq: 1, in: [1, {deep: null}], price: 10.5, AND: true}}}) { id } e: specimens(where: {jsonSet: {eq: {a: $j}}}) { id } }""",
        {"j": {"eq": 1, "in": [1, {"deep": None}], "price": 10.5, "ü": "ö", "AND": True}, "js": [False, {}, [], "just text"]},
        {"j": {"AND": True, "ü": "ö", "price": 10.50, "eq": 1.0, "in": [1, {"deep": None}]}, "js": []}, {"j": {}, "js": [{"a": None}]},
        {"j": False, "js": [0]}, {"j": 0, "js": ["0"]}, {"j": "just text", "js": [[]]}, {"j": None, "js": [1]},
    ),
    "prepared values": asked(
        """query ($c: String!) { a: specimens(where: {code: {eq: $c}}) { code } b: specimens(where: {code: {in: [$c, "x"]}}) { code } d: specimens(where: {code: {contains: $c}}) { code } }""",
        {"c": "AB12"}, {"c": "B1"},
    ),
}  # fmt: skip
