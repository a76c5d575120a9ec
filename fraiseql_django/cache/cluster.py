"""A Redis Cluster behind django-redis, which has no factory for one.

    CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://one.example:6379",
            "OPTIONS": {"CONNECTION_FACTORY": "fraiseql_django.cache.cluster.ClusterConnectionFactory"},
        }
    }

Any node will do as ``LOCATION``; the others are found by it. Options of connections are in ``CONNECTION_POOL_KWARGS``,
as for one server. The methods of the cache that take several keys work for keys of one slot alone, which is up to the
project; what the engine keeps is in one slot for each answer (see ``keys``).
"""

from __future__ import annotations

from typing import Any

from django_redis.pool import ConnectionFactory
from redis.cluster import RedisCluster


class ClusterConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """Makes one client of a cluster for each URL in a process, which its threads share."""

    _clusters: dict[str, Any] = {}  # noqa: RUF012 - shared on purpose, as django-redis shares its pools

    def connect(self, url: str) -> Any:
        """Return the client of a URL."""
        if url not in self._clusters:
            self._clusters[url] = self.make_cluster(url)
        return self._clusters[url]

    def make_cluster(self, url: str, **options: Any) -> Any:
        """Return a new client of a URL, with options beside those of the configuration."""
        params = {**self.make_connection_params(url), **self.pool_cls_kwargs, **options}
        params.pop("parser_class", None)
        return RedisCluster.from_url(**params)

    def disconnect(self, connection: Any) -> None:
        """Close the connections of a client."""
        connection.disconnect_connection_pools()
