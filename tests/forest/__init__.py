"""Models of packages: trees of django-treebeard and django-mptt, tags of django-taggit, rows of django-polymorphic."""
