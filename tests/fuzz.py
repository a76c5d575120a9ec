"""``make fuzz``: send malformed requests for as long as it is told, and stop at the first wrong answer.

tests/injection/test_fuzz.py has what is sent and what an answer must be; pytest brings PostgreSQL and the data.
"""

import argparse
import os
import sys

import pytest


def main() -> int:
    """Run the fuzzer; return pytest's exit status."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long, default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the first round of requests, default %(default)s")
    given = parser.parse_args()
    os.environ["FRAISEQL_FUZZ_SECONDS"] = str(given.seconds)
    os.environ["FRAISEQL_FUZZ_SEED"] = str(given.seed)
    return pytest.main(["-q", "-s", "--tb=short", "tests/injection/test_fuzz.py"])


if __name__ == "__main__":
    sys.exit(main())
