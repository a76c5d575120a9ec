"""Settings: ``FRAISEQL`` and the upstream's configuration, read and checked.

settings    every key of ``FRAISEQL`` with its type, default and explanation
reader      a dictionary → frozen dataclasses, or the problems in it
factories   dotted paths and aliases → storage and cache
upstream    the upstream's configuration and server URLs → settings
"""

from .settings import Settings, get_settings

__all__ = ["Settings", "get_settings"]
