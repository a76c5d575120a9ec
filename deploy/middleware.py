"""The address that LIMITS.RATE counts by, where a proxy stands before the server."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase]


def real_address(get_response: Handler) -> Handler:
    """Take the client's address from X-Real-IP, if the request comes from one of TRUSTED_PROXIES.

    A proxy must set that header itself, whatever the client has sent. Through a Unix socket there is no address, and
    the proxy is trusted. Raises ValueError at start for a network that is none.
    """
    networks = [ip_network(network) for network in settings.TRUSTED_PROXIES]

    def middleware(request: HttpRequest) -> HttpResponseBase:
        peer, client = request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Real-IP")
        if client and (not peer or any(ip_address(peer) in network for network in networks)):
            request.META["REMOTE_ADDR"] = client
        return get_response(request)

    return middleware
