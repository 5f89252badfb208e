"""The whole application on a port of this machine, in this process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.main import build_runtime, create_app


@contextmanager
def served(settings: Settings, dsn: str) -> Iterator[Runtime]:
    """The runtime of an application that answers at its `settings.base_url`."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    own = settings.model_copy(update={"public_url": None, "port": port, "host": "127.0.0.1"})
    own.__dict__.pop("base_url", None)
    runtime = build_runtime(own, dsn)
    server = uvicorn.Server(uvicorn.Config(create_app(runtime), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield runtime
    server.should_exit = True
    thread.join(10)
    listener.close()
    runtime.engine.dispose()
