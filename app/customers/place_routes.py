"""`/v1/sites` and `/v1/assets`: where the work is, and on what."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from app.customers import commands, queries
from app.customers.schemas import (
    AssetChanges,
    AssetFilters,
    AssetIn,
    AssetOut,
    AssetReadingOut,
    SiteChanges,
    SiteFilters,
    SiteIn,
    SiteOut,
)
from app.identity.access import Db, Me, api_router
from app.kit.paging import CursorUnreadable, Paging
from app.kit.problems import NotFound, Stale, VersionRequired, refuses
from app.kit.references import ExternalRefTaken, NoSuchCustomer, NoSuchSite
from app.kit.schemas import Page
from app.kit.versions import UNCHANGED, IfMatch, IfNoneMatch, check_version, not_modified, versioned

router = api_router("/v1", "customers")
EDIT = (NotFound, VersionRequired, Stale, ExternalRefTaken)


@router.get("/sites", response_model=Page[SiteOut], responses=refuses(CursorUnreadable))
def list_sites(filters: Annotated[SiteFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Sites, the newest first."""
    return queries.sites_of(db, me, filters)


@router.post("/sites", response_model=SiteOut, status_code=201, responses=refuses(NoSuchCustomer, ExternalRefTaken))
def create_site(given: SiteIn, me: Me, db: Db) -> Response:
    """Add a place where work is done."""
    site = commands.create_site(db, given, by=me)
    return versioned(SiteOut.model_validate(site), site.version, status_code=201)


@router.get("/sites/{site_id}", response_model=SiteOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_site(site_id: UUID, me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """One site."""
    site = queries.site_for(db, me, site_id)
    return not_modified(known, site.version) or versioned(SiteOut.model_validate(site), site.version)


@router.patch("/sites/{site_id}", response_model=SiteOut, responses=refuses(*EDIT, NoSuchCustomer))
def update_site(site_id: UUID, given: SiteChanges, me: Me, db: Db, meant: IfMatch = None) -> Response:
    """Change a site as it was read."""
    site = queries.site_for(db, me, site_id, lock=True)
    check_version(meant, site.version, current=lambda: SiteOut.model_validate(site))
    commands.update_site(db, site, given)
    return versioned(SiteOut.model_validate(site), site.version)


@router.get("/assets", response_model=Page[AssetOut], responses=refuses(CursorUnreadable))
def list_assets(filters: Annotated[AssetFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Assets, the newest first."""
    return queries.assets_of(db, me, filters)


@router.post("/assets", response_model=AssetOut, status_code=201, responses=refuses(NoSuchSite, ExternalRefTaken))
def create_asset(given: AssetIn, me: Me, db: Db) -> Response:
    """Add a thing that is looked after."""
    asset = commands.create_asset(db, given, by=me)
    return versioned(AssetOut.model_validate(asset), asset.version, status_code=201)


@router.get("/assets/{asset_id}", response_model=AssetOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_asset(asset_id: UUID, me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """One asset. What was done on it is its history."""
    asset = queries.asset_for(db, me, asset_id)
    return not_modified(known, asset.version) or versioned(AssetOut.model_validate(asset), asset.version)


@router.patch("/assets/{asset_id}", response_model=AssetOut, responses=refuses(*EDIT, NoSuchSite))
def update_asset(asset_id: UUID, given: AssetChanges, me: Me, db: Db, meant: IfMatch = None) -> Response:
    """Change an asset as it was read."""
    asset = queries.asset_for(db, me, asset_id, lock=True)
    check_version(meant, asset.version, current=lambda: AssetOut.model_validate(asset))
    commands.update_asset(db, asset, given)
    return versioned(AssetOut.model_validate(asset), asset.version)


@router.get(
    "/assets/{asset_id}/readings", response_model=Page[AssetReadingOut], responses=refuses(NotFound, CursorUnreadable)
)
def list_asset_readings(asset_id: UUID, page: Paging, me: Me, db: Db) -> dict[str, Any]:
    """What the meters of an asset showed, the newest first."""
    return queries.readings_of(db, me, asset_id, page)
