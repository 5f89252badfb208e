"""Who may call what, and how far it reaches: one row an operation. The process does not start when one is missing.

`office(...)` gives the named roles the whole organization; a technician reaches what is their own, a partner what
is assigned to the partner. Admin may do everything that the office may do.
"""

from collections.abc import Iterable, Mapping

from app.domain.roles import OFFICE, Role, Scope

R = Role
Row = dict[Role, Scope]

#: Operations that need no token: they carry a secret of their own, or tell nothing.
PUBLIC = frozenset(
    {
        "issue_token",
        "revoke_token",
        "get_authorization_server",
        "use_setup_link",
        "show_setup_page",
        "submit_setup_page",
        "get_liveness",
        "get_readiness",
        "get_metrics",
        "get_problem",
        "list_problems",
        "get_documentation",
        "get_documentation_file",
        "get_welcome",
        "get_openapi_document",
        "get_page_asset",
        "get_signed_attachment",
        "get_upload_options",
        "show_report",
        "show_report_pdf",
        "show_report_picture",
        "verify_certificate",
        "show_certificate",
        "get_certificate_keys",
        "show_survey",
        "answer_survey",
        "show_confirmation",
        "answer_confirmation",
        "show_customer_code",
        "show_unsubscribe",
        "unsubscribe",
        "receive_twilio_status",
        "show_outbox",
        "list_outbox",
        "show_outbox_message",
        "show_outbox_mail",
    }
)


def office(*roles: Role) -> Row:
    return dict.fromkeys((*roles, R.ADMIN), Scope.ALL)


def field(row: Row) -> Row:
    """Beside the office: technicians their own, partner technicians theirs, partner managers their company's."""
    return {
        **row,
        R.TECHNICIAN: Scope.OWN,
        R.PARTNER_TECHNICIAN: Scope.OWN,
        R.PARTNER_MANAGER: Scope.ASSIGNED,
    }


EVERYBODY = dict.fromkeys(Role, Scope.OWN)
ALL_OFFICE = office(*OFFICE)
PLANNERS = office(R.DISPATCHER, R.SUPERVISOR)
DISPATCHERS = office(R.DISPATCHER)
SUPERVISORS = office(R.SUPERVISOR)
MANAGERS = office(R.MANAGER)
ADMINS = office()
CREW = {R.TECHNICIAN: Scope.OWN, R.PARTNER_TECHNICIAN: Scope.OWN}

POLICY: Mapping[str, Row] = {
    # identity
    "get_me": EVERYBODY,
    "list_my_sessions": EVERYBODY,
    "revoke_my_session": EVERYBODY,
    "register_device": EVERYBODY,
    "list_my_devices": EVERYBODY,
    "revoke_device": {**EVERYBODY, R.ADMIN: Scope.ALL},
    "get_organization": EVERYBODY,
    "update_organization": ADMINS,
    "list_people": ADMINS,
    "create_person": ADMINS,
    "update_person": ADMINS,
    "create_setup_link": ADMINS,
    "list_technicians": ALL_OFFICE,
    "get_technician": ALL_OFFICE,
    "create_technician": MANAGERS,
    "update_technician": MANAGERS,
    "replace_shifts": PLANNERS | MANAGERS,
    "list_shifts": ALL_OFFICE,
    "create_absence": PLANNERS | MANAGERS,
    "list_absences": ALL_OFFICE,
    "list_teams": ALL_OFFICE,
    "create_team": MANAGERS,
    "update_team": MANAGERS,
    "list_partners": ALL_OFFICE,
    "create_partner": MANAGERS,
    "list_api_clients": ADMINS,
    "create_api_client": ADMINS,
    "revoke_api_client": ADMINS,
    # customers
    "list_customers": ALL_OFFICE,
    "get_customer": ALL_OFFICE,
    "create_customer": PLANNERS,
    "update_customer": PLANNERS,
    "list_contacts": ALL_OFFICE,
    "get_contact": ALL_OFFICE,
    "create_contact": PLANNERS,
    "update_contact": PLANNERS,
    "record_consent": PLANNERS,
    "list_sites": ALL_OFFICE,
    "get_site": ALL_OFFICE,
    "create_site": PLANNERS,
    "update_site": PLANNERS,
    "list_assets": ALL_OFFICE,
    "get_asset": ALL_OFFICE,
    "create_asset": PLANNERS,
    "update_asset": PLANNERS,
    "get_asset_history": ALL_OFFICE,
    "list_asset_readings": ALL_OFFICE,
    # work orders
    "list_work_types": ALL_OFFICE,
    "get_work_type": ALL_OFFICE,
    "create_work_type": MANAGERS | SUPERVISORS,
    "create_work_type_version": MANAGERS | SUPERVISORS,
    "list_closure_policies": ALL_OFFICE,
    "get_closure_policy": ALL_OFFICE,
    "match_closure_policies": ALL_OFFICE,
    "create_closure_policy": MANAGERS | SUPERVISORS,
    "create_closure_policy_version": MANAGERS | SUPERVISORS,
    "update_closure_policy": MANAGERS | SUPERVISORS,
    "dry_run_closure_policy": MANAGERS | SUPERVISORS,
    "list_forms": ALL_OFFICE,
    "get_form": ALL_OFFICE,
    "create_form": MANAGERS | SUPERVISORS,
    "create_form_version": MANAGERS | SUPERVISORS,
    "list_work_orders": {**ALL_OFFICE, R.PARTNER_MANAGER: Scope.ASSIGNED},
    "create_work_order": PLANNERS,
    "get_work_order": {**ALL_OFFICE, R.PARTNER_MANAGER: Scope.ASSIGNED},
    "get_work_order_events": ALL_OFFICE,
    "update_work_order": PLANNERS,
    "approve_work_order": PLANNERS,
    "reject_work_order": DISPATCHERS,
    "hold_work_order": PLANNERS,
    "release_work_order": PLANNERS,
    "complete_work_order": SUPERVISORS,
    "close_work_order": SUPERVISORS,
    "send_back_work_order": SUPERVISORS,
    "mark_work_order_cannot_complete": PLANNERS,
    "reopen_work_order": PLANNERS,
    "cancel_work_order": PLANNERS,
    "list_work_order_notes": field(ALL_OFFICE),
    "list_work_order_messages": ALL_OFFICE,
    # visits
    "schedule_visit": {**DISPATCHERS, R.PARTNER_MANAGER: Scope.ASSIGNED},
    "list_visits": {**ALL_OFFICE, R.PARTNER_MANAGER: Scope.ASSIGNED},
    "get_visit": {**ALL_OFFICE, R.PARTNER_MANAGER: Scope.ASSIGNED},
    "reschedule_visit": {**DISPATCHERS, R.PARTNER_MANAGER: Scope.ASSIGNED},
    "reassign_visit": {**DISPATCHERS, R.PARTNER_MANAGER: Scope.ASSIGNED},
    "dispatch_visit": DISPATCHERS,
    "mark_visit_no_show": DISPATCHERS,
    "cancel_visit": DISPATCHERS,
    "list_my_jobs": CREW,
    "get_my_job": CREW,
    "post_status_update": field(PLANNERS),
    "add_visit_note": field(PLANNERS),
    "list_visit_time_entries": field(ALL_OFFICE),
    "add_crew_member": DISPATCHERS,
    "remove_crew_member": DISPATCHERS,
    "list_issues": PLANNERS,
    "resolve_issue": PLANNERS,
    # sync
    "get_visit_receipt": {**ALL_OFFICE, R.PARTNER_MANAGER: Scope.ASSIGNED},
    "play_scenario": CREW,
    "get_expected_replica": CREW,
    "pull_changes": CREW,
    "push_operations": CREW,
    "reconcile_replica": CREW,
    "get_manifest": CREW,
    "stream_hints": CREW,
    "pull_rxdb_collection": CREW,
    "reconcile_rxdb_collection": CREW,
    "push_rxdb_operations": CREW,
    "stream_rxdb_collection": CREW,
    "pull_watermelon_changes": CREW,
    "push_watermelon_changes": CREW,
    # parts
    "list_parts": {**ALL_OFFICE, **CREW},
    "get_part": {**ALL_OFFICE, **CREW},
    "create_part": PLANNERS | MANAGERS,
    "update_part": PLANNERS | MANAGERS,
    "post_visit_part": field(PLANNERS),
    "list_visit_parts": field(ALL_OFFICE),
    "list_work_order_parts": ALL_OFFICE,
    "list_stock_locations": ALL_OFFICE,
    "create_stock_location": PLANNERS | MANAGERS,
    "list_stock": {**ALL_OFFICE, **CREW},
    "post_stock_movement": PLANNERS | MANAGERS,
    "list_part_requests": PLANNERS | MANAGERS,
    "update_part_request": PLANNERS | MANAGERS,
    # attachments
    "link_attachment": field(PLANNERS),
    "list_visit_attachments": field(ALL_OFFICE),
    "get_attachment": field(ALL_OFFICE),
    "get_attachment_content": field(ALL_OFFICE),
    "put_attachment_content": field(PLANNERS),
    "create_upload": field(PLANNERS),
    "get_upload_offset": field(PLANNERS),
    "append_to_upload": field(PLANNERS),
    "terminate_upload": field(PLANNERS),
    # closure
    "upload_evidence": field(SUPERVISORS),
    "get_evidence": field(ALL_OFFICE),
    "submit_closure": field(SUPERVISORS),
    "get_visit_closure": field(ALL_OFFICE),
    "get_customer_code": PLANNERS,
    "send_customer_code": field(PLANNERS),
    "check_customer_code": CREW,
    "get_visit_summary": field(ALL_OFFICE),
    "post_signature": field(SUPERVISORS),
    "waive_rule": SUPERVISORS,
    "list_reviews": SUPERVISORS,
    "review_work_order": SUPERVISORS,
    # reports
    "get_service_report": field(ALL_OFFICE),
    # certificates
    "get_closure_certificate": field(ALL_OFFICE),
    "get_work_order_certificate": field(ALL_OFFICE),
    "amend_work_order": SUPERVISORS,
    "list_certificate_keys": EVERYBODY,
    # surveys
    "list_surveys": ALL_OFFICE,
    "get_survey": ALL_OFFICE,
    # kpis
    "list_kpis": ALL_OFFICE,
    "get_kpi": ALL_OFFICE,
    "list_kpi_records": ALL_OFFICE,
    # imports
    "import_records": MANAGERS,
    "list_imports": MANAGERS,
    "get_import": MANAGERS,
    "get_import_totals": MANAGERS,
}


def reach(roles: Iterable[Role], operation: str) -> Scope | None:
    """How far somebody with these roles reaches in this operation; None when not at all."""
    row = POLICY[operation]
    granted = [row[role] for role in roles if role in row]
    return max(granted, default=None)


class PolicyIncomplete(RuntimeError):
    """An operation has no row, or a row no operation: the process must not start."""


def check_policy(operations: Iterable[str]) -> None:
    """Compare the table with the operations of the running application.

    Raises:
        PolicyIncomplete: names each operation without a row and each row without an operation.
    """
    named, known = set(operations), POLICY.keys() | PUBLIC
    if named != known:
        raise PolicyIncomplete(f"no policy for {sorted(named - known)}; no operation for {sorted(known - named)}")
