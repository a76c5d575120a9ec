"""
Rows of tenants, by django-scopes.

    Tenant ──< Project ──< Task ──< Task (what waits for it)
                  >──< Label
"""

from django.db import models
from django_scopes import ScopedManager


class Tenant(models.Model):
    """Whose rows they are."""

    name = models.CharField(max_length=20)


class Label(models.Model):
    """Of a tenant as well."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    name = models.CharField(max_length=20)

    objects = ScopedManager(tenant="tenant")


class Project(models.Model):
    """Of a tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=20)
    labels = models.ManyToManyField(Label, related_name="projects")

    objects = ScopedManager(tenant="tenant")

    class Meta:
        ordering = ("name",)


class Task(models.Model):
    """Of a project, and so of its tenant; even to-one relations lead to the tenant's only."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks")
    name = models.CharField(max_length=20)
    after = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="waiting")

    objects = ScopedManager(tenant="project__tenant")

    class Meta:
        base_manager_name = "objects"
