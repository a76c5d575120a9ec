from django.db import migrations


class Migration(migrations.Migration):
    """What functions answer mutations with; a type is no function's, so it is made by hand."""

    dependencies = [
        ('bookshop', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE TYPE mutation_response AS (
                status text,
                message text,
                entity_id text,
                entity_type text,
                entity jsonb,
                updated_fields text[],
                cascade jsonb,
                metadata jsonb
            )
            """,
            "DROP TYPE mutation_response",
        ),
    ]
