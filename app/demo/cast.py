"""Who works at Nordlicht Service: the office, twelve technicians in two teams, and Acme, who help out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from sqlmodel import SQLModel

from app.demo.chance import Chance
from app.domain.roles import Role
from app.identity.models import Employment, Partner, Person, Shift, SignIn, Team, Technician
from app.identity.sessions import email_key

ORGANIZATION = "Nordlicht Service"
TIME_ZONE = "Europe/Berlin"
CURRENCY = "EUR"
DOMAIN = "nordlicht.example"
PASSWORD = "first-fix-every-time"

OFFICE = {
    Role.DISPATCHER: "Dana Dahl",
    Role.SUPERVISOR: "Sam Sommer",
    Role.MANAGER: "Max Meier",
    Role.FINANCE: "Fay Feldmann",
    Role.ADMIN: "Ada Adler",
    Role.PARTNER_MANAGER: "Pia Petersen",
}
NORTH, SOUTH, ACME = "North", "South", "Acme"
#: Name, team, euro per hour, working days (ISO), and what they know beside heating.
TECHNICIANS: Sequence[tuple[str, str, int, str, str]] = (
    ("Ana Albers", NORTH, 64, "1234", "gas electrics heat-pump ventilation"),
    ("Ben Brandt", NORTH, 58, "12", "gas ventilation"),
    ("Carla Claussen", NORTH, 61, "345", "gas electrics heat-pump"),
    ("David Diercks", NORTH, 52, "45", "ventilation"),
    ("Emre Eren", NORTH, 66, "123", "gas electrics heat-pump"),
    ("Finn Friedrichs", NORTH, 49, "35", "gas"),
    ("Greta Gerdes", SOUTH, 63, "124", "gas electrics heat-pump"),
    ("Hanna Hinrichs", SOUTH, 57, "34", "gas ventilation"),
    ("Ivo Iversen", SOUTH, 60, "235", "gas electrics ventilation"),
    ("Jule Jansen", SOUTH, 55, "12", "gas"),
    ("Kemal Kaya", SOUTH, 67, "345", "gas electrics heat-pump"),
    ("Lena Lorenz", SOUTH, 51, "15", "gas ventilation"),
    ("Tom Thomsen", ACME, 78, "25", "gas electrics heat-pump ventilation"),
)


@dataclass(frozen=True, slots=True)
class Worker:
    """A technician with the person who signs in and the days on which they work (ISO)."""

    technician: Technician
    person_id: UUID
    weekdays: frozenset[int]


@dataclass(frozen=True, slots=True)
class Cast:
    """`office` from role to person; `rows` in the order in which they can be added."""

    organization_id: UUID
    office: Mapping[Role, Person]
    workers: Sequence[Worker]
    rows: Sequence[SQLModel]

    def worker(self, name: str) -> Worker:
        return next(one for one in self.workers if one.technician.name.startswith(name))


def email_of(name: str) -> str:
    return f"{name.split()[0].lower()}@{DOMAIN}"


def make_cast(chance: Chance, organization_id: UUID, *, password_hash: str, at: datetime) -> Cast:
    """Everybody, as they were hired at `at`."""
    acme = Partner(organization_id=organization_id, id=chance.id(at), name="Acme Haustechnik")
    teams = {
        name: Team(
            organization_id=organization_id,
            id=chance.id(at),
            name=name,
            territory=None if name == ACME else name,
            is_contractor=name == ACME,
            partner_id=acme.id if name == ACME else None,
        )
        for name in (NORTH, SOUTH, ACME)
    }
    technicians, shifts, workers, people = [], [], [], []

    def person(name: str, role: Role, *, technician_id: UUID | None = None, of_partner: bool = False) -> Person:
        made = Person(
            organization_id=organization_id,
            id=chance.id(at),
            name=name,
            email=email_of(name),
            password_hash=password_hash,
            roles=[role.value],
            technician_id=technician_id,
            partner_id=acme.id if of_partner else None,
            created_at=at,
        )
        people.append(made)
        return made

    for name, team, rate, days, skills in TECHNICIANS:
        partner = team == ACME
        technician = Technician(
            organization_id=organization_id,
            id=chance.id(at),
            name=name,
            team_id=teams[team].id,
            partner_id=acme.id if partner else None,
            employment=Employment.CONTRACTOR if partner else Employment.EMPLOYEE,
            skills=["heating", *skills.split()],
            hourly_rate_minor=rate * 100,
            currency=CURRENCY,
            home_territory=None if partner else team,
            time_zone=TIME_ZONE,
        )
        technicians.append(technician)
        role = Role.PARTNER_TECHNICIAN if partner else Role.TECHNICIAN
        who = person(name, role, technician_id=technician.id, of_partner=partner)
        workers.append(Worker(technician, who.id, frozenset(map(int, days))))
        shifts += [
            Shift(
                organization_id=organization_id,
                id=chance.id(at),
                technician_id=technician.id,
                weekday=int(day),
                starts=time(7, 30),
                ends=time(16, 30),
                unpaid_break_minutes=30,
            )
            for day in days
        ]
    office = {role: person(name, role, of_partner=role is Role.PARTNER_MANAGER) for role, name in OFFICE.items()}
    sign_ins = [
        SignIn(email_hash=email_key(one.email), organization_id=organization_id, person_id=one.id) for one in people
    ]
    rows = [acme, *teams.values(), *technicians, *shifts, *people, *sign_ins]
    return Cast(organization_id, office, workers, rows)
