"""gunicorn's settings; `WEB_CONCURRENCY`, `PORT` and gunicorn's own flags win over them."""

import os

bind = f"{os.environ.get('POSTREEVE_HOST', '127.0.0.1')}:{os.environ.get('PORT', '8025')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
preload_app = True  # processes share what it takes; what may cross a fork: tests/test_wsgi.py
timeout = 60
graceful_timeout = 30
keepalive = 75
max_requests = 0
accesslog = None
control_socket_disable = True
