"""Fleet ──< Ship ──< Sailor, and Ship ──< Flag, which outlives its ship."""

import django
from django.db import models

if django.VERSION >= (6, 1):

    class Fleet(models.Model):
        """Whose end is the end of all."""

        name = models.TextField()

    class Ship(models.Model):
        """Goes with its fleet."""

        name = models.TextField()
        fleet = models.ForeignKey(Fleet, on_delete=models.DB_CASCADE, related_name="ships")

    class Sailor(models.Model):
        """Goes with the ship, and the fleet cannot see it."""

        name = models.TextField()
        ship = models.ForeignKey(Ship, on_delete=models.DB_CASCADE, related_name="+")

    class Flag(models.Model):
        """Is left behind."""

        colour = models.TextField()
        ship = models.ForeignKey(Ship, on_delete=models.DB_SET_NULL, null=True, related_name="flags")
