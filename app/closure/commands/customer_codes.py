"""The customer's code: checked at the server, sent anew, read out by the office."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.closure import codes, queries
from app.closure.codes import CodeRule, CodeState
from app.closure.commands.submit import WorkOrderClosed
from app.closure.models import Checked, CustomerCode
from app.domain.lifecycle import VisitStatus, WorkOrderStatus
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.problems import NotAllowed, RuleBroken, TooManyRequests
from app.visits.models import Visit

#: With five tries each, that many codes leave a guesser one chance in twenty thousand.
MOST_CODES = 10
THERE = frozenset({VisitStatus.ON_SITE, VisitStatus.IN_PROGRESS, VisitStatus.PAUSED})


class NoCustomerCode(RuleBroken):
    """The visit asks for no code, or none was made yet."""

    code = "no-customer-code"


class CustomerCodeUsed(RuleBroken):
    """The visit has its code already."""

    code = "customer-code-used"


class NotOnSite(RuleBroken):
    """Who goes there may have a new code sent while they are there."""

    code = "not-on-site"


class TooManyCodes(TooManyRequests):
    """So many codes were sent for this visit that something else must be wrong."""

    code = "too-many-codes"


class CodeIsTheCustomers(NotAllowed):
    """Who does the work never sees the code, whatever else they may do."""

    code = "code-is-the-customers"


@dataclass(frozen=True, slots=True)
class CodeNow:
    """A code and how it stands."""

    code: CustomerCode
    rule: CodeRule
    state: CodeState

    @property
    def attempts_left(self) -> int:
        return max(0, self.rule.attempts - len(self.code.tried))


def code_now(db: Session, visit: Visit, *, at: datetime) -> CodeNow:
    """The code that counts for this visit.

    Raises:
        NoCustomerCode: there is none.
    """
    rule = codes.rules_of(db, visit.organization_id, [visit.id]).get(visit.id)
    code = codes.current_code(db, visit.organization_id, visit.id)
    if rule is None or code is None:
        raise NoCustomerCode("This visit has no customer code.", visit_id=str(visit.id))
    return CodeNow(code, rule, codes.state_of(code, rule, at=at))


def check_online(db: Session, visit: Visit, digits: str, *, at: datetime) -> CodeNow:
    """Try the digits that the customer told. The state is `ok` once, and `used` from then on.

    Tries of one code wait for one another, so that however many come at once, no more are judged than it allows.

    Raises:
        NoCustomerCode: there is none to try.
    """
    now = code_now(db, visit, at=at)
    code = codes.locked(db, now.code)
    assert code is not None, "codes are never taken away"
    state = codes.tried(db, code, now.rule, digits, at=at)
    if state is CodeState.OK:
        codes.accept(db, code, Checked.ONLINE, at=at)
    touch(db, visit.organization_id, Kind.WORK_ORDER, visit.work_order_id)
    db.flush()
    return CodeNow(code, now.rule, state)


def send_new_code(db: Session, visit: Visit, *, by: Caller, at: datetime) -> CodeNow:
    """Make another code and send it; the one before is good for nothing any more. Those who ask at once wait in line.

    Raises:
        NoCustomerCode: the policy of the visit asks for none.
        CustomerCodeUsed: the visit has its code already.
        NotOnSite: a technician asks who is not there.
        TooManyCodes: there were enough.
        WorkOrderClosed: the work is closed.
    """
    rule = codes.rules_of(db, visit.organization_id, [visit.id]).get(visit.id)
    if rule is None:
        raise NoCustomerCode("The policy of this visit asks for no code.", visit_id=str(visit.id))
    if not by.is_office and visit.status not in THERE:
        raise NotOnSite("A new code can be sent while you are there.", status_now=visit.status)
    if queries.status_of_work(db, visit, lock=True) is WorkOrderStatus.CLOSED:
        raise WorkOrderClosed("The work order is closed.")
    made = codes.codes_of(db, visit.organization_id, visit.id)
    if any(code.used_at is not None for code in made):
        raise CustomerCodeUsed("The customer's code was accepted already.")
    if len(made) >= MOST_CODES:
        raise TooManyCodes("No more codes are sent for this visit: ask a supervisor.", limit=MOST_CODES)
    code = codes.make_code(db, visit.organization_id, visit.id, rule, at=at)
    return CodeNow(code, rule, codes.state_of(code, rule, at=at))


def read_out(db: Session, visit: Visit, *, by: Caller, at: datetime) -> tuple[CodeNow, str]:
    """The code itself, for somebody of the office to tell the customer.

    Raises:
        CodeIsTheCustomers: the caller works in the field.
        NoCustomerCode: there is none.
    """
    if by.technician_id is not None:
        raise CodeIsTheCustomers("Only who does not do the work may read the code.")
    now = code_now(db, visit, at=at)
    digits = codes.digits_of(db, now.code)
    if digits is None:
        raise NoCustomerCode("This code can no longer be shown: send a new one.", visit_id=str(visit.id))
    return now, digits
