"""Tables, and a view over one of them."""

from django.db import migrations, models

from fraiseql_django.operations import CreateView


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Author",
            [("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")), ("name", models.CharField(max_length=100, unique=True))],
        ),
        migrations.CreateModel(
            "Book",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=100)),
                ("author", models.ForeignKey("shop.author", models.CASCADE, related_name="books")),
            ],
        ),
        CreateView("v_title", "SELECT id, jsonb_build_object('id', id, 'title', title) AS data FROM shop_book"),
    ]
