"""URLs of the demo's site with django-debug-toolbar."""

from django.urls import include, path

from example_project.site.urls import urlpatterns as of_site

urlpatterns = [*of_site, path("__debug__/", include("debug_toolbar.urls"))]
