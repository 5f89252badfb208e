"""Everything that can be set from outside, read once at start. docs/operating.md lists each with its default."""

from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.kit.fcm import service_account


class Settings(BaseSettings):
    """Settings from the environment (`FIRSTFIX_…`; `DATABASE_URL` alone has no prefix)."""

    model_config = SettingsConfigDict(
        env_prefix="FIRSTFIX_",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    """An external PostgreSQL (15 or newer); without it an embedded one is started under the data folder."""
    data_dir: Path = Path(".data")
    """Where the embedded database, photos and the secret key are kept."""
    object_store_url: str | None = None
    """A bucket for photos and documents, `s3://bucket/prefix`; without it they are in `files` in the data folder."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8000
    """Port to listen on."""
    public_url: str | None = None
    """What links in messages start with; never taken from a request's `Host` header."""
    allowed_hosts: list[str] = ["*"]
    """Host names that requests may come for."""
    bootstrap_admin: SecretStr | None = None
    """`email:password` of the first admin, made when there is no organization."""
    secret_key: SecretStr | None = None
    """Signs cursors and form nonces, 32 characters or more; made and kept in the data folder when not set."""
    previous_secret_keys: list[SecretStr] = []
    """Secret keys of before, as a JSON list: what was put away under them, as the keys of certificates, stays good."""
    database_connections: int = Field(default=12, ge=1, le=200)
    """Most database sessions that requests hold at once in this process."""
    most_waiting: int = Field(default=2000, ge=0)
    """Most long polls and hint streams that wait in this process at once; who comes then is told to poll."""
    run_worker: bool = True
    """Also work off the queue in the serving process."""
    log_level: str = "info"
    """debug, info, warning, error or critical."""
    access_token_seconds: int = Field(default=3600, ge=900, le=86400)
    """How long an access token is good."""
    refresh_token_seconds: int = Field(default=90 * 86400, ge=86400)
    """How long a refresh token is good when it is not used."""
    metrics_token: SecretStr | None = None
    """Whoever sends it as a bearer token may read `/metrics`; without it there are none."""
    message_webhook_url: str | None = None
    """A generic HTTP message provider that honors `Idempotency-Key`; before all other senders."""
    smtp_url: SecretStr | None = None
    """Mail server, `smtp://user:password@host:587/?starttls=1` or `smtps://…`."""
    mail_from: str = "Firstfix <no-reply@firstfix.invalid>"
    """From whom e-mails come."""
    twilio_account_sid: str | None = None
    """Twilio account that sends SMS."""
    twilio_auth_token: SecretStr | None = None
    """Its token; also checks the signatures of its callbacks."""
    twilio_from: str | None = None
    """The sending number, or a messaging service's id (`MG…`)."""
    twilio_base_url: str = "https://api.twilio.com"
    """Where Twilio's API is."""
    fcm_credentials: SecretStr | None = None
    """Firebase service account that sends push hints: its JSON file, or what is in it."""
    fcm_base_url: str = "https://fcm.googleapis.com"
    """Where Firebase Cloud Messaging's API is."""

    @field_validator("bootstrap_admin")
    @classmethod
    def _email_and_password(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            email, _, password = value.get_secret_value().partition(":")
            if "@" not in email or len(password) < 15:
                raise ValueError(
                    "FIRSTFIX_BOOTSTRAP_ADMIN must be email:password with a password of 15 characters or more"
                )
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("FIRSTFIX_SECRET_KEY must have 32 characters or more")
        return value

    @field_validator("fcm_credentials")
    @classmethod
    def _a_service_account(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            service_account(value.get_secret_value())
        return value

    @cached_property
    def base_url(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
