"""Everything that can be set from outside, read once at start. docs/operating.md lists each with its default."""

from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings from the environment (`FIRSTFIX_…`; `DATABASE_URL` alone has no prefix)."""

    model_config = SettingsConfigDict(env_prefix="FIRSTFIX_", extra="ignore", populate_by_name=True)

    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    """An external PostgreSQL (15 or newer); without it an embedded one is started under `data_dir`."""
    data_dir: Path = Path(".data")
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    """What links in messages start with; never taken from a request's Host header."""
    allowed_hosts: list[str] = ["*"]
    bootstrap_admin: SecretStr | None = None
    """`email:password` of the first admin, made when there is none."""
    secret_key: SecretStr | None = None
    """Signs cursors and form nonces; made and kept under `data_dir` when not set."""
    database_connections: int = 12
    """Most database sessions that requests hold at once in this process."""
    run_worker: bool = True
    """Also work off the queue in the serving process."""
    log_level: str = "info"
    access_token_seconds: int = 3600
    refresh_token_seconds: int = 90 * 86400
    smtp_url: SecretStr | None = None
    mail_from: str = "Firstfix <no-reply@firstfix.invalid>"
    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_from: str | None = None
    twilio_base_url: str = "https://api.twilio.com"
    message_webhook_url: str | None = None
    """A generic HTTP message provider that honors `Idempotency-Key`."""

    @field_validator("bootstrap_admin")
    @classmethod
    def _email_and_password(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            email, _, password = value.get_secret_value().partition(":")
            if "@" not in email or len(password) < 12:
                raise ValueError(
                    "FIRSTFIX_BOOTSTRAP_ADMIN must be email:password with a password of 12 characters or more"
                )
        return value

    @cached_property
    def base_url(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def files_dir(self) -> Path:
        """Where uploaded photos are kept."""
        return self.data_dir / "files"
