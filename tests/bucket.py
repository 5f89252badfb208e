"""A bucket of a server that speaks S3, on this machine."""

from collections.abc import Iterator

import httpx
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Its URL; the server's address and keys are in the environment."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name, value in {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "REGION": "eu-central-1"}.items():
            patch.setenv(f"AWS_{name}", value)
        assert httpx.put(f"http://{host}:{port}/photos", trust_env=False).status_code == 200
        yield "s3://photos/firstfix"
    server.stop()
