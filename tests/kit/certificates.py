"""A certificate for `localhost` and 127.0.0.1, made with the openssl program."""

import ssl
import subprocess
from pathlib import Path


def a_certificate(folder: Path) -> tuple[str, ssl.SSLContext]:
    """The file to trust, and the context of a server that uses it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        [*command.split(), "-addext", names, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return str(certificate), context
