"""gunicorn --config deploy/gunicorn.conf.py deploy.wsgi

Connections to the database: workers × threads, which each keep one.
"""

import os

bind = os.environ.get("BIND", "0.0.0.0:8000")
worker_class = "gthread"
# one for each processor: an operation takes Python's lock for most of its time
workers = int(os.environ.get("WEB_CONCURRENCY") or os.cpu_count() or 1)
# what waits for PostgreSQL meanwhile
threads = int(os.environ.get("THREADS", "4"))
# longer than the proxy keeps its connections, so that it never sends into one that is being closed
keepalive = 75
# longer than LIMITS.STATEMENT_MS and the operations of a mutation together
graceful_timeout = 30
timeout = 60
# heartbeats in memory: a disk may be slow
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
accesslog = "-"
# SIGHUP loads new code only without it
preload_app = False
control_socket_disable = True
