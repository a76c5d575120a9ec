"""Ask the process of this container for its health: ``python -m deploy.probe [path]`` exits with 0, or with 1.

By the first of ALLOWED_HOSTS, since Django refuses others, and as a proxy that ends TLS would.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

ALIVE = "/graphql/?query=%7B__typename%7D"


def status(path: str, port: int = 8000) -> int | str:
    """Return the status of the answer, or why there is none."""
    headers = {
        "Host": os.environ["ALLOWED_HOSTS"].split(",")[0],
        "X-Forwarded-Proto": "https",
        "Accept": "application/json",
    }
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else ALIVE
    answered = status(asked, int(os.environ.get("PORT", "8000")))
    if answered != 200:
        sys.exit(f"{asked}: {answered}")
