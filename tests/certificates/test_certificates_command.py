"""`python -m app certificates …`, as an operator types it."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from app.cli_certificates import certificates
from app.kit.runtime import Runtime
from tests.certificates.conftest import Intruder, Work

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(dsn: str, runtime: Runtime, closed: Work, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command about the organization of the closed work, with the same secret and files as the server."""
    monkeypatch.setenv("DATABASE_URL", dsn)
    monkeypatch.setenv("FIRSTFIX_DATA_DIR", str(runtime.settings.data_dir))
    monkeypatch.setenv("FIRSTFIX_SECRET_KEY", runtime.secret)

    def do(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(certificates, [*words, "--organization", str(closed.job.organization_id)])
        return done.exit_code, done.output

    return do


def test_verify_walks_the_chain_and_says_where_it_ends(run: Run, closed: Work) -> None:
    code, said = run("verify")

    assert code == 0, said
    assert "1 certificates and amendments, 0 differences" in said
    assert f"the chain ends at 1, {closed.certificate()['sha256']}" in said


def test_verify_fails_when_anything_differs(run: Run, closed: Work, intruder: Intruder) -> None:
    intruder.run("UPDATE task_results SET done = NOT done WHERE organization_id = %s", closed.job.organization_id)

    code, said = run("verify")

    assert code == 1
    assert f"{closed.certificate()['code']} answers changed: row" in said
    assert "1 differences" in said


def test_rotating_the_key_keeps_what_was_signed(run: Run, closed: Work) -> None:
    before = closed.certificate()["key_id"]

    code, said = run("rotate-key")

    assert code == 0, said
    assert "signs from now on" in said
    keys = closed.get("/v1/certificate-keys")["keys"]
    assert [key["retired_at"] is None for key in keys] == [True, False]
    assert keys[1]["kid"] == before
    assert run("verify")[0] == 0


def test_keys_of_a_lost_secret_are_adopted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTFIX_SECRET_KEY", "another secret that is long enough for anybody")
    code, said = run("verify")
    assert (code, " key changed: " in said) == (1, True), said

    assert "1 keys are believed again" in run("adopt-keys")[1]

    assert run("verify")[0] == 0
