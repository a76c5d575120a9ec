"""An app whose texts django-modeltranslation keeps, a column for each language."""
