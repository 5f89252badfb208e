"""How every operation of the API is called, so that nothing but the rights can be wrong with the call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ref:
    """In a body: the id of the world's thing of this kind. `optional` references may also be refused as a value."""

    kind: str


class New:
    """In a body: an id that is made for this call."""


class NewUpload:
    """In a header: what tus says of an upload, with an id that is made for this call."""


class Now:
    """In a body: a moment ago."""


@dataclass(frozen=True)
class Call:
    """How one operation is called.

    `everybodys`: who may call it at all reaches the organization's one catalog, so there is no other technician's.
    `may_name_nobody`: things in the path that need not exist; then nothing happens, whoever's they are.
    """

    body: Mapping[str, Any] | list[Any] | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] | None = None
    csv: str | None = None
    content: bytes | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    everybodys: bool = False
    may_name_nobody: frozenset[str] = frozenset()


A_WINDOW = {"scheduled_start": "2026-05-04T08:00:00Z", "scheduled_end": "2026-05-04T09:00:00Z", "force_reason": "test"}
REASON = {"reason": "because"}
NAMED = Call({"name": "New name"})
PLAIN = Call()
TUS = {"Tus-Resumable": "1.0.0"}

CALLS: Mapping[str, Call] = {
    # identity
    "get_me": PLAIN,
    "list_my_sessions": PLAIN,
    "revoke_my_session": PLAIN,
    "register_device": Call({"device_id": New, "platform": "android", "app_version": "1"}),
    "list_my_devices": PLAIN,
    "revoke_device": PLAIN,
    "get_organization": PLAIN,
    "update_organization": NAMED,
    "list_people": PLAIN,
    "create_person": Call(
        {"name": "New", "email": "new@example.org", "roles": ["technician"], "technician_id": Ref("technician"),
         "partner_id": Ref("partner")}
    ),
    "update_person": Call({"technician_id": Ref("technician"), "partner_id": Ref("partner")}),
    "create_setup_link": PLAIN,
    "list_technicians": PLAIN,
    "get_technician": PLAIN,
    "create_technician": Call({"name": "New", "team_id": Ref("team"), "partner_id": Ref("partner")}),
    "update_technician": Call({"team_id": Ref("team"), "partner_id": Ref("partner")}),
    "replace_shifts": Call({"items": [{"weekday": 1, "starts": "08:00", "ends": "16:00"}]}),
    "list_shifts": PLAIN,
    "create_absence": Call(
        {"technician_id": Ref("technician"), "starts_at": "2020-03-01T00:00:00Z", "ends_at": "2020-03-02T00:00:00Z"}
    ),
    "list_absences": PLAIN,
    "list_teams": PLAIN,
    "create_team": Call({"name": "New", "partner_id": Ref("partner")}),
    "update_team": Call({"partner_id": Ref("partner")}),
    "list_partners": PLAIN,
    "create_partner": NAMED,
    "list_api_clients": PLAIN,
    "create_api_client": Call({"name": "New", "roles": ["partner_manager"], "partner_id": Ref("partner")}),
    "revoke_api_client": PLAIN,
    # customers
    "list_customers": PLAIN,
    "get_customer": PLAIN,
    "create_customer": NAMED,
    "update_customer": NAMED,
    "list_contacts": PLAIN,
    "get_contact": PLAIN,
    "create_contact": Call({"name": "New", "customer_id": Ref("customer")}),
    "update_contact": NAMED,
    "record_consent": Call({"channel": "email", "state": "granted", "source": "form"}),
    "list_sites": PLAIN,
    "get_site": PLAIN,
    "create_site": Call({"name": "New", "customer_id": Ref("customer")}),
    "update_site": Call({"customer_id": Ref("customer")}),
    "list_assets": PLAIN,
    "get_asset": PLAIN,
    "create_asset": Call({"name": "New", "site_id": Ref("site")}),
    "update_asset": Call({"site_id": Ref("site")}),
    "get_asset_history": PLAIN,
    "list_asset_readings": PLAIN,
    # work orders
    "list_work_types": PLAIN,
    "get_work_type": PLAIN,
    "create_work_type": Call({"key": "new_kind", "name": "New"}),
    "create_work_type_version": NAMED,
    "list_closure_policies": PLAIN,
    "get_closure_policy": PLAIN,
    "match_closure_policies": PLAIN,
    "create_closure_policy": Call(
        {"key": "new_policy", "name": "New", "policy": {}, "match": {
            "work_type_id": Ref("work_type"), "customer_id": Ref("customer"), "partner_id": Ref("partner")}}
    ),
    "create_closure_policy_version": Call({"policy": {}}),
    "update_closure_policy": Call({"active": False, "match": {"work_type_id": Ref("work_type")}}),
    "dry_run_closure_policy": Call({"policy_id": Ref("policy")}),
    "list_forms": PLAIN,
    "get_form": PLAIN,
    "create_form": Call({"key": "new_form", "title": "New", "items": []}),
    "create_form_version": Call({"title": "New", "items": []}),
    "list_work_orders": PLAIN,
    "create_work_order": Call(
        {"title": "New", "work_type_id": Ref("work_type"), "customer_id": Ref("customer"), "site_id": Ref("site"),
         "asset_id": Ref("asset"), "contact_id": Ref("contact"), "callback_of": Ref("work_order")}
    ),
    "get_work_order": PLAIN,
    "update_work_order": Call({"contact_id": Ref("contact")}),
    "get_work_order_events": PLAIN,
    "list_work_order_notes": PLAIN,
    "list_work_order_messages": PLAIN,
    "approve_work_order": PLAIN,
    "reject_work_order": Call({**REASON, "merged_into": Ref("work_order")}),
    "hold_work_order": Call({"hold_reason": "parts"}),
    "release_work_order": PLAIN,
    "complete_work_order": Call({"resolution_code": "solved"}),
    "close_work_order": Call(REASON),
    "send_back_work_order": Call({"rule_ids": ["photo"], "text": "blurred"}),
    "mark_work_order_cannot_complete": Call({**REASON, "customer_told": True}),
    "reopen_work_order": Call(REASON),
    "cancel_work_order": Call({**REASON, "cause": "customer"}),
    # visits
    "schedule_visit": Call({"technician_id": Ref("technician"), "crew": [Ref("mate")], **A_WINDOW}),
    "list_visits": PLAIN,
    "get_visit": PLAIN,
    "reschedule_visit": Call({**A_WINDOW, "reason_code": "late", "requested_by": "customer"}),
    "reassign_visit": Call({"technician_id": Ref("mate"), "reason_code": "ill", "force_reason": "test"}),
    "dispatch_visit": PLAIN,
    "mark_visit_no_show": PLAIN,
    "cancel_visit": Call({**REASON, "cause": "customer"}),
    "add_crew_member": Call({"technician_id": Ref("mate")}),
    "remove_crew_member": Call(may_name_nobody=frozenset({"mate"})),
    "post_status_update": Call(
        {"id": New, "occurred_at": Now, "action": "correct_time", "reason": "typo", "field": "arrived_at", "value": Now}
    ),
    "add_visit_note": Call({"id": New, "occurred_at": Now, "text": "The key is at the neighbor's."}),
    "list_visit_time_entries": PLAIN,
    "list_issues": PLAIN,
    "resolve_issue": Call({**REASON, "choice": "attach", "visit_id": Ref("visit")}),
    "list_my_jobs": PLAIN,
    "get_my_job": PLAIN,
    # parts
    "post_visit_part": Call(
        {"id": New, "occurred_at": Now, "part_id": Ref("part"), "quantity": 1, "location_id": Ref("location")}
    ),
    "list_visit_parts": PLAIN,
    "list_work_order_parts": PLAIN,
    "list_parts": PLAIN,
    "create_part": Call({"number": "P-2", "name": "New"}),
    "get_part": Call(everybodys=True),
    "update_part": NAMED,
    "list_stock_locations": PLAIN,
    "create_stock_location": Call({"name": "Van", "kind": "van", "technician_id": Ref("technician")}),
    "list_stock": PLAIN,
    "post_stock_movement": Call(
        {"id": New, "occurred_at": Now, "kind": "transferred", "part_id": Ref("part"), "quantity": 1,
         "location_id": Ref("location"), "to_location_id": Ref("location_to")}
    ),
    "list_part_requests": PLAIN,
    "update_part_request": Call({"state": "ordered"}),
    # sync
    "pull_changes": PLAIN,
    "push_operations": Call({"sent_at": Now, "operations": []}),
    "reconcile_replica": Call({"have": {"job": {}}}),
    "get_manifest": Call(everybodys=True),
    "get_visit_receipt": PLAIN,
    "play_scenario": PLAIN,
    "get_expected_replica": PLAIN,
    "stream_hints": Call(query={"seconds": 0}),
    "pull_rxdb_collection": PLAIN,
    "reconcile_rxdb_collection": Call({"have": {}}),
    "push_rxdb_operations": Call([]),
    "stream_rxdb_collection": Call(query={"seconds": 0}),
    "pull_watermelon_changes": PLAIN,
    "push_watermelon_changes": Call({}),
    # attachments
    "link_attachment": Call(
        {"attachment_id": New, "role": "after", "sha256": "0" * 64, "bytes": 5, "mime": "image/jpeg"}
    ),
    "list_visit_attachments": PLAIN,
    "get_attachment": PLAIN,
    "get_attachment_content": PLAIN,
    "put_attachment_content": Call(content=b"other bytes"),
    "create_upload": Call(headers={**TUS, "Upload-Length": "5", "Upload-Metadata": NewUpload}),
    "get_upload_offset": Call(headers=TUS),
    "append_to_upload": Call(
        content=b"other bytes",
        headers={**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
    ),
    "terminate_upload": Call(headers=TUS),
    # closure
    "upload_evidence": Call(form={"id": New, "kind": "photo", "tag": "before"}),
    "get_evidence": PLAIN,
    "submit_closure": Call({"id": New, "occurred_at": Now, "reason": "test"}),
    "get_visit_closure": PLAIN,
    "get_customer_code": PLAIN,
    "send_customer_code": PLAIN,
    "check_customer_code": Call({"code": "000000"}),
    "get_visit_summary": PLAIN,
    "post_signature": Call(
        {"id": New, "role": "customer", "strokes": {"width": 100, "height": 50, "strokes": [[[1, 1], [50, 25]]]}}
    ),
    "waive_rule": Call({"rule_id": "evidence", "reason": "test"}),
    "list_reviews": PLAIN,
    "review_work_order": Call({"decision": "approve"}),
    # reports
    "get_service_report": PLAIN,
    # certificates
    "get_closure_certificate": PLAIN,
    "get_work_order_certificate": PLAIN,
    "amend_work_order": Call({"id": New, "text": "The part was a P-2.", "reason": "mistyped"}),
    "list_certificate_keys": PLAIN,
    # surveys, kpis, imports
    "list_surveys": PLAIN,
    "get_survey": PLAIN,
    "list_kpis": PLAIN,
    "get_kpi": PLAIN,
    "list_kpi_records": PLAIN,
    "import_records": Call(csv="ref,name\nwest,West\n", query={"table": "teams"}),
    "list_imports": PLAIN,
    "get_import": PLAIN,
    "get_import_totals": PLAIN,
}  # fmt: skip

#: What needs no token, and what stands in its place.
WITHOUT_TOKEN = {
    "issue_token": "the password, the refresh token or the key",
    "revoke_token": "the token itself",
    "use_setup_link": "the link's own token",
    "verify_certificate": "the certificate, or its code",
    "show_certificate": "the certificate's code",
    "get_certificate_keys": "the certificate's code",
    "show_setup_page": "the link's own token",
    "submit_setup_page": "the link's own token",
    "receive_twilio_status": "the provider's signature",
    "get_signed_attachment": "the address, which is signed",
    "get_upload_options": "nothing is told",
    "get_authorization_server": "nothing is told",
    "get_liveness": "nothing is told",
    "get_readiness": "nothing is told",
    "get_metrics": "the token of the settings",
    "list_problems": "nothing is told",
    "get_problem": "nothing is told",
}
