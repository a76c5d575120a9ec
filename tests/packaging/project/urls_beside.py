"""Three endpoints over the same models."""

import graphene
import strawberry
import strawberry_django
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from graphene_django import DjangoObjectType
from graphene_django.views import GraphQLView as GrapheneView
from shop.models import Author, Book
from strawberry.django.views import GraphQLView as StrawberryView


@strawberry_django.type(Author)
class StrawberryAuthor:
    name: strawberry.auto


@strawberry_django.type(Book)
class StrawberryBook:
    title: strawberry.auto
    author: StrawberryAuthor


@strawberry.type
class StrawberryQuery:
    books: list[StrawberryBook] = strawberry_django.field()


@strawberry.type
class StrawberryMutation:
    @strawberry.mutation
    def rename(self, title: str) -> int:
        return Book.objects.update(title=title)


class GrapheneAuthor(DjangoObjectType):
    class Meta:
        model = Author
        fields = ("name",)


class GrapheneBook(DjangoObjectType):
    class Meta:
        model = Book
        fields = ("title", "author")


class GrapheneQuery(graphene.ObjectType):
    books = graphene.List(GrapheneBook)

    def resolve_books(self, info):
        return Book.objects.all()


class GrapheneRename(graphene.Mutation):
    class Arguments:
        title = graphene.String()

    number = graphene.Int()

    def mutate(self, info, title):
        return GrapheneRename(number=Book.objects.update(title=title))


class GrapheneMutation(graphene.ObjectType):
    rename = GrapheneRename.Field()


strawberry_schema = strawberry.Schema(query=StrawberryQuery, mutation=StrawberryMutation)
graphene_schema = graphene.Schema(query=GrapheneQuery, mutation=GrapheneMutation)

urlpatterns = [
    path("graphql/", include("fraiseql_django.urls")),
    path("strawberry/", csrf_exempt(StrawberryView.as_view(schema=strawberry_schema))),
    path("graphene/", csrf_exempt(GrapheneView.as_view(schema=graphene_schema, graphiql=True))),
]
