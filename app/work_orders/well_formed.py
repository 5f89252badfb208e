"""What the office writes about proof, checked before it is stored: every mistake is listed, with a JSON pointer."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from app.domain.checklist_check import check_checklist
from app.domain.closure_policy import check_policy
from app.domain.conditions import Flaw
from app.kit.problems import Unprocessable


class PolicyNotWellFormed(Unprocessable):
    """A checklist or closure policy that cannot be understood; each mistake is listed."""

    code = "policy-not-well-formed"


def check_proofs(
    *,
    policies: Mapping[str, Mapping[str, Any]] | None = None,
    checklists: Mapping[str, list[dict[str, Any]]] | None = None,
    forms: Collection[str] = (),
) -> None:
    """Let policies and checklists pass, each under the name of its field in the body.

    Args:
        forms: the keys of those forms that there are, of all that the policies name.

    Raises:
        PolicyNotWellFormed: lists every mistake of all of them.
    """
    flaws = [(field, flaw) for field, items in (checklists or {}).items() for flaw in check_checklist(items)]
    flaws += [(field, flaw) for field, policy in (policies or {}).items() for flaw in flaws_of_policy(policy, forms)]
    if flaws:
        errors = [{**asdict(flaw), "pointer": f"/body/{field}{flaw.pointer}"} for field, flaw in flaws]
        raise PolicyNotWellFormed("The checklist or the closure policy has mistakes.", errors=errors)


def flaws_of_policy(policy: Mapping[str, Any], forms: Collection[str]) -> list[Flaw]:
    """What keeps it from being a policy where there are these forms; an empty one, which asks for nothing, is one."""
    if not policy:
        return []
    return check_policy(policy) + [
        Flaw(f"{pointer}/params/form", "unknown-form", f"There is no form `{key}`.")
        for pointer, key in forms_named(policy)
        if key not in forms
    ]


def forms_named(policy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The checklist rules that name a form, by JSON pointer, and its key; whatever the rules are made of."""
    rules = policy.get("rules")
    listed: Iterable[Any] = rules if isinstance(rules, list) else ()
    for position, rule in enumerate(listed):
        params = rule.get("params") if isinstance(rule, Mapping) and rule.get("kind") == "checklist" else None
        form = params.get("form") if isinstance(params, Mapping) else None
        if isinstance(form, str):
            yield f"/rules/{position}", form
