"""`/oauth`: tokens for people, apps and integrations (RFC 6749, 7009, 8414)."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from pydantic import BaseModel, ConfigDict

from app.identity import sessions
from app.identity.access import Db, Running, api_router
from app.identity.passwords import SlowDownPlease
from app.identity.sessions import InvalidGrant, Tokens, UnsupportedGrant
from app.kit import clock
from app.kit.problems import refuses
from app.kit.schemas import Out

router = api_router("", "sign-in")


class GrantIn(BaseModel):
    """What a token is asked for with; which fields are needed depends on `grant_type`."""

    model_config = ConfigDict(extra="forbid")

    grant_type: str
    username: str = ""
    password: str = ""
    refresh_token: str = ""
    client_id: str = ""
    client_secret: str = ""
    device_id: UUID | None = None
    scope: str = ""


class TokenOut(Out):
    access_token: str
    refresh_token: str | None
    token_type: str = "Bearer"
    expires_in: int


class RevokeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str
    token_type_hint: str = ""


@router.post("/oauth/token", response_model=TokenOut, responses=refuses(InvalidGrant, UnsupportedGrant, SlowDownPlease))
def issue_token(grant: Annotated[GrantIn, Form()], request: Request, response: Response, db: Db) -> Tokens:
    """Get an access token: with e-mail and password, a refresh token, or a client's key."""
    response.headers["Cache-Control"] = "no-store"
    at = clock.now()
    if grant.grant_type == "password":
        address = request.client.host if request.client else ""
        return sessions.sign_in(db, grant.username, grant.password, device_id=grant.device_id, address=address, at=at)
    if grant.grant_type == "refresh_token":
        return sessions.refresh(db, grant.refresh_token, at=at)
    if grant.grant_type == "client_credentials":
        return sessions.sign_in_client(db, grant.client_id, grant.client_secret, at=at)
    raise UnsupportedGrant("The grant type is password, refresh_token or client_credentials.")


@router.post("/oauth/revoke", status_code=200, response_model=None)
def revoke_token(given: Annotated[RevokeIn, Form()], db: Db) -> Response:
    """End the session of a token. The answer is the same for a token that never was."""
    sessions.revoke(db, given.token, at=clock.now())
    return Response(headers={"Cache-Control": "no-store"})


class AuthorizationServerOut(Out):
    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    response_types_supported: list[str]


@router.get("/.well-known/oauth-authorization-server")
def get_authorization_server(running: Running) -> AuthorizationServerOut:
    """Where tokens come from (RFC 8414)."""
    base = running.settings.base_url
    return AuthorizationServerOut(
        issuer=base,
        token_endpoint=f"{base}/oauth/token",
        revocation_endpoint=f"{base}/oauth/revoke",
        grant_types_supported=["password", "refresh_token", "client_credentials"],
        token_endpoint_auth_methods_supported=["client_secret_post"],
        response_types_supported=[],
    )
