"""
What object permissions are of, with every kind of key.

    Drawer ──< File (grants in guardian's own tables)      Deed (grants in tables of its own)
    Slip (UUID)     Label (text)     Page (a date)     Cell (two columns)      Report (a File with more)
"""

import uuid

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase


class Drawer(models.Model):
    """With files in it."""

    name = models.CharField(max_length=30)


class File(models.Model):
    """The ordinary case: a whole number as key, and a permission of its own."""

    name = models.CharField(max_length=30)
    drawer = models.ForeignKey(Drawer, on_delete=models.CASCADE, related_name="files", null=True)

    class Meta:
        permissions = (("sign_file", "Can sign file"),)


class ShownFile(File):
    """The same rows by another name, whose own permissions guardian does not keep."""

    class Meta:
        proxy = True


class Report(File):
    """Its key is a file's."""

    pages = models.IntegerField(default=1)


class Slip(models.Model):
    """A UUID as key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=30)


class Label(models.Model):
    """A text as key."""

    code = models.CharField(max_length=10, primary_key=True)
    name = models.CharField(max_length=30)


class Page(models.Model):
    """A key that is compared as text."""

    day = models.DateField(primary_key=True)
    name = models.CharField(max_length=30)


class Cell(models.Model):
    """A key of two columns."""

    pk = models.CompositePrimaryKey("x", "y")
    x = models.IntegerField()
    y = models.IntegerField()


class Deed(models.Model):
    """Grants in tables of its own."""

    name = models.CharField(max_length=30)


class DeedOfUser(UserObjectPermissionBase):
    """What a user may do with a deed."""

    content_object = models.ForeignKey(Deed, on_delete=models.CASCADE)


class DeedOfGroup(GroupObjectPermissionBase):
    """What a group may do with a deed."""

    content_object = models.ForeignKey(Deed, on_delete=models.CASCADE)
