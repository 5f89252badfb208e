"""Whom Nordlicht Service works for: sixty customers in and around Hamburg, their contacts, sites and assets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlmodel import SQLModel

from app.customers.models import Asset, Channel, ConsentState, Contact, ContactConsent, Customer, Site
from app.demo.cast import NORTH, SOUTH, TIME_ZONE
from app.demo.chance import Chance

CUSTOMERS = 60
BUSINESSES = ("Bakery", "Hotel", "Dental practice", "Kindergarten", "Bookshop", "Restaurant", "Gym", "Pharmacy")
FAMILIES = (
    "Ahrens", "Becker", "Cordes", "Dreyer", "Ehlers", "Fischer", "Goldmann", "Harms", "Ihde", "Jacobs", "Krüger",
    "Lüders", "Martens", "Nowak", "Öztürk", "Paulsen", "Quast", "Reimers", "Schröder", "Timm", "Ulrich", "Voss",
    "Wulff", "Yilmaz", "Zander",
)  # fmt: skip
FIRST_NAMES = ("Cleo", "Jonas", "Mara", "Paul", "Selin", "Tilda", "Anton", "Nele", "Oskar", "Ida")
STREETS = ("Lindenallee", "Hafenstraße", "Am Markt", "Schulweg", "Deichstraße", "Elbchaussee", "Mühlenweg", "Parkallee")
#: Kind of asset, models, kinds of work that it takes.
ASSETS: Sequence[tuple[str, Sequence[str], Sequence[str]]] = (
    (
        "Gas boiler",
        ("Buderfix GB-192", "Viestern V-200", "Wolfram CGB-20"),
        ("heating_repair", "boiler_service", "emergency"),
    ),
    ("Heating circuit", ("Radiant 40", "FloorLine 7"), ("thermostat", "emergency", "heat_pump_installation")),
    ("Ventilation unit", ("Zephyr 300", "AirBox S"), ("ventilation_check",)),
)
ACCESS = (
    "Ring twice.",
    "Key at the caretaker's, ground floor.",
    "Dog in the yard: call first.",
    "Boiler room in the cellar.",
    "",
)
LANGUAGES = ("de", "de", "de", "en", "en", "tr", "pl")


@dataclass(slots=True)
class Place:
    """A site with its customer's contact, and its assets by kind of work; `served_at` of each spreads the work."""

    site: Site
    contact: Contact
    opted_out: bool
    assets: dict[str, list[Asset]] = field(default_factory=dict)
    served_at: dict[UUID, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Places:
    places: Sequence[Place]
    rows: Sequence[SQLModel]


def make_places(chance: Chance, organization_id: UUID, *, at: datetime) -> Places:
    customers, contacts, consents, sites, assets, places = [], [], [], [], [], []
    for number in range(1, CUSTOMERS + 1):
        family = FAMILIES[number % len(FAMILIES)]
        shop = chance.happens(40)
        name = f"{chance.choice(BUSINESSES)} {family}" if shop else f"Family {family}"
        customer = Customer(organization_id=organization_id, id=chance.id(at), number=f"C-{number:05d}", name=name)
        contact, consent = _contact(chance, organization_id, customer.id, number, family, at)
        customers.append(customer)
        contacts.append(contact)
        consents += consent
        opted_out = contact.channel is Channel.NONE or any(one.state is ConsentState.WITHDRAWN for one in consent)
        for position in range(chance.choices((1, 2, 4), (70, 20, 10))[0]):
            site = _site(chance, organization_id, customer.id, name, position, at)
            place = Place(site, contact, opted_out)
            for asset, uses in _assets(chance, organization_id, site.id, at):
                assets.append(asset)
                for use in uses:
                    place.assets.setdefault(use, []).append(asset)
            sites.append(site)
            places.append(place)
    return Places(places, [*customers, *contacts, *consents, *sites, *assets])


def _contact(
    chance: Chance, organization_id: UUID, customer_id: UUID, number: int, family: str, at: datetime
) -> tuple[Contact, list[ContactConsent]]:
    first_name = chance.choice(FIRST_NAMES)
    channel = chance.choices((Channel.EMAIL, Channel.SMS, Channel.NONE), (80, 15, 5))[0]
    contact = Contact(
        organization_id=organization_id,
        id=chance.id(at),
        customer_id=customer_id,
        name=f"{first_name} {family}",
        email=f"{first_name.lower()}.{number}@customers.example",
        phone=f"+4915510{number:06d}",
        language=chance.choice(LANGUAGES),
        channel=channel,
        time_zone=TIME_ZONE,
    )
    if channel is Channel.NONE:
        return contact, []

    def said(state: ConsentState, when: datetime) -> ContactConsent:
        return ContactConsent(
            organization_id=organization_id,
            id=chance.id(when),
            contact_id=contact.id,
            channel=channel,
            state=state,
            source="contract" if state is ConsentState.GRANTED else "link",
            at=when,
        )

    consents = [said(ConsentState.GRANTED, at)]
    if chance.happens(6):
        consents.append(said(ConsentState.WITHDRAWN, at + timedelta(days=2)))
    return contact, consents


def _site(chance: Chance, organization_id: UUID, customer_id: UUID, name: str, position: int, at: datetime) -> Site:
    north = chance.happens(50)
    house = chance.randint(1, 120)
    return Site(
        organization_id=organization_id,
        id=chance.id(at),
        customer_id=customer_id,
        name=name if position == 0 else f"{name}, house {position + 1}",
        address=f"{chance.choice(STREETS)} {house}, Hamburg",
        postal_code=f"{chance.choice((22301, 22303, 22415, 22529) if north else (21073, 21079, 21107, 21129))}",
        latitude=round(53.55 + (chance.uniform(0.02, 0.1) if north else -chance.uniform(0.02, 0.1)), 5),
        longitude=round(9.99 + chance.uniform(-0.15, 0.15), 5),
        territory=NORTH if north else SOUTH,
        access_notes=chance.choice(ACCESS),
        time_zone=TIME_ZONE,
    )


def _assets(chance: Chance, organization_id: UUID, site_id: UUID, at: datetime) -> list[tuple[Asset, Sequence[str]]]:
    made = []
    for name, models, uses in ASSETS:
        for position in range(chance.choices((1, 2), (60, 40))[0]):
            installed = date(at.year - chance.randint(1, 12), chance.randint(1, 12), chance.randint(1, 28))
            asset = Asset(
                organization_id=organization_id,
                id=chance.id(at),
                site_id=site_id,
                name=name if position == 0 else f"{name} {position + 1}",
                model=chance.choice(models),
                serial=f"{chance.randrange(16**8):08X}",
                warranty_until=installed.replace(year=installed.year + 5),
                installed_at=datetime(installed.year, installed.month, installed.day, 12, tzinfo=UTC),
            )
            made.append((asset, uses))
    return made
