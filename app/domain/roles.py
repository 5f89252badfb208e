"""Who may do what is said in roles; how far it reaches is said in scopes."""

from enum import IntEnum, StrEnum


class Role(StrEnum):
    TECHNICIAN = "technician"
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    FINANCE = "finance"
    ADMIN = "admin"
    PARTNER_MANAGER = "partner_manager"
    PARTNER_TECHNICIAN = "partner_technician"


class Scope(IntEnum):
    """How far an operation reaches; the wider one wins where somebody has two roles."""

    OWN = 1
    """What is one's own: my visits, my devices."""
    ASSIGNED = 2
    """What is assigned to the caller's partner company."""
    ALL = 3
    """Everything of the organization."""


OFFICE = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.MANAGER, Role.FINANCE, Role.ADMIN})
