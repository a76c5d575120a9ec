"""What ASGI costs and gives beside WSGI: requests a second, threads and connections of one process."""
