"""Offline client of Firstfix: report, look, sync. Its twin in TypeScript has the same parts under the same names."""

from firstfix_offline.client import OfflineClient, Outcome, View
from firstfix_offline.device import Device
from firstfix_offline.exchange import Limits
from firstfix_offline.project import project
from firstfix_offline.session import DeviceSession
from firstfix_offline.storage import MemoryStorage, SqliteStorage, Storage, Transaction
from firstfix_offline.wire import Answer, HttpxTransport, NoNetwork, Refused, Transport

__all__ = [
    "Answer",
    "Device",
    "DeviceSession",
    "HttpxTransport",
    "Limits",
    "MemoryStorage",
    "NoNetwork",
    "OfflineClient",
    "Outcome",
    "Refused",
    "SqliteStorage",
    "Storage",
    "Transaction",
    "Transport",
    "View",
    "project",
]
