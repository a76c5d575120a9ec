"""Settings: ``FRAISEQL`` and the upstream's configuration, read and checked.

settings    every key of ``FRAISEQL`` with its type, default and explanation
reader      reads a dictionary into frozen dataclasses, or reports the problems in it
factories   makes the storage and the cache that settings name
upstream    turns the upstream's configuration and server URLs into settings
"""

from .settings import Settings, get_settings

__all__ = ["Settings", "get_settings"]
