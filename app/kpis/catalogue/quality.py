"""Does the work hold? First-time fix, reopens, verifications, promises kept."""

from app.kpis.catalogue.entry import Entry

ENTRIES = {
    "first_time_fix_rate": Entry(
        definition="The share of completed work orders that one trip (or the planned number) resolved for good: no "
        "reopen, and no new repair of the same asset, or of the same problem at the site, within 30 days.",
        business_insights="A second trip costs nearly as much as the first and earns nothing; customers remember it "
        "longer than a late arrival. It is the one number that parts, skills, diagnosis and planning all move.",
        measurement_approach="Each work order is judged once, in the period of its first completion, whatever happens "
        "later. Visits that overlap on site are one trip; work resolved remotely is in neither side.",
        formula="100 × fixed by the planned trips, not reopened, not called back ÷ completed with at least one "
        "attended visit and a work type that counts.",
        trend_analysis="The last 30 days still lose points to callbacks that have not come yet: compare mature cohorts "
        "(`mature=true`) and expect the newest month to fall by one to three points.",
        diagnostics="Group by `loss_reason` first: parts points at planning and van stock, skill and diagnosis at "
        "dispatch, access at the customer's confirmation. Then by work type, then by asset model.",
        tips="Attack the largest loss reason, not the lowest technician: the reason says what to change on Monday. "
        "Ask for the symptom and a photo before dispatch where diagnosis leads.",
        visualization="A stacked bar of loss reasons per month, adding up to 100 %, with the rate as the top line and "
        "its 95 % interval as a band.",
        risk_warnings="It rises when technicians avoid closing hard work or stay too long: read it with cycle time. "
        "Small teams swing by chance; the interval says how much.",
        tools="The drill-down lists every failed fix with its reason; the asset's history shows what came before a "
        "callback.",
        integration="Fed by visit events, reopenings and new work orders on the same asset; mark a new order "
        "`unrelated` when it is no callback.",
        change_impact="A changed callback window or trip rule is a new definition version; a point more is about one "
        "trip less for every hundred completed work orders.",
    ),
    "reopen_rate": Entry(
        definition="The share of completed work orders that were reopened within 30 days of their first completion.",
        business_insights="A reopen is the customer saying that done was not done. It is the fastest honest signal of "
        "closing too early, days before a survey or a callback.",
        measurement_approach="Counted once per work order, in the period of the first completion. `basis=recorded` "
        "reads whole status histories of another system instead.",
        formula="100 × work orders reopened within the window ÷ work orders completed.",
        trend_analysis="Watch weeks, not days. A rise right after a new closure rule or a new closing target is "
        "usually the rule's doing.",
        diagnostics="Group by work type and technician, then read the reasons in the drill-down; reopenings within a "
        "day are closing errors, later ones are repairs that failed.",
        tips="Make the closure checklist ask for the test that would have shown the fault.",
        visualization="A line by week of completion with its interval; a small table of the longest-lived reopens.",
        risk_warnings="A closed door does not mean a fixed boiler: where customers cannot reopen, faults come back as "
        "new work orders and show in first-time fix instead.",
        tools="Work order events, the closure verdicts, the asset's history.",
        integration="Reopen events of this system, or status histories imported from another one.",
        change_impact="One point is one more visit in every hundred jobs, and usually an unhappy survey beside it.",
    ),
    "failed_verifications": Entry(
        definition="How many visits were found not to have fixed the problem when somebody checked, or ended with the "
        "work not resolved.",
        business_insights="Each one is a trip that has to be made again; it is the raw material of a poor first-time "
        "fix rate, visible at once instead of after thirty days.",
        measurement_approach="Counts visits, by the instant of verification or else of the end; `work_orders` says how "
        "many work orders they belong to.",
        formula="Count of visits whose verification failed or whose outcome is not resolved.",
        trend_analysis="It grows with volume: compare it with the number of visits, or use a fixed group.",
        diagnostics="The category tells failed checks from visits that ended unresolved; group by technician and type.",
        tips="Send the failed check's photo back to the technician the same day.",
        visualization="Bars per week beside the number of visits; no rate line, that is what first-time fix is for.",
        risk_warnings="Zero may mean that nobody verifies. Look at how many visits have a verification at all.",
        tools="Closure reviews and the visit's own outcome.",
        integration="Verification instants of imports and the supervisor's review in this system.",
        change_impact="More verification raises the number first and lowers it later; announce that before starting.",
    ),
    "closure_first_pass_rate": Entry(
        definition="The share of decided closures that were verified as they were handed in: never sent back, and with "
        "no rule waived. A closure is all that was handed in for one visit.",
        business_insights="A closure that is good at once is billed at once. Each one that is not costs an office "
        "hour, a phone call and often another trip, days before anybody sees it in money.",
        measurement_approach="Each closure is judged once, in the period of its first decision by the rules or by a "
        "reviewer. What the phone said was missing before it was handed in is help, not a failure. What is still "
        "waiting for evidence, the customer or a reviewer is left out as `undecided`.",
        formula="100 × verified by the first decision without a waiver ÷ (verified + waived + sent back + rejected).",
        trend_analysis="It falls for two or three weeks after a policy asks for more, and comes back when people know "
        "it; a fall without a new policy is news.",
        diagnostics="Group by `decision`: what is sent back points at unclear rules, what is waived at rules that "
        "cannot be met on site. Then by work type, team and technician, and read the findings in the drill-down.",
        tips="Fix the rule that is waived most before training anybody. Put the photo that is forgotten most into the "
        "checklist at the moment when it can be taken.",
        visualization="Hundred per cent bars of the four decisions per week, the rate as a line with its interval.",
        risk_warnings="Rules that ask for nothing give a hundred: read it with cycle time, and with the share of "
        "work reopened. Reviewers who approve without looking raise it too.",
        tools="The drill-down by decision, the review queue, the waivers of each visit, the dry run of a policy.",
        integration="Closures from the app and from sync, reviews and waivers by supervisors.",
        change_impact="A point is one closure in a hundred that nobody has to touch twice.",
    ),
    "sla_compliance": Entry(
        definition="The share of promises that were kept by their target, of all whose target has come; what is still "
        "open after its target counts as broken.",
        business_insights="It is what the contract pays for. Counting only finished work hides the worst cases, the "
        "ones nobody has finished.",
        measurement_approach="A promise is in the period of its target, after pauses: time on hold for a reason that "
        "the policy lists moves the target, and being done exactly on it is kept.",
        formula="100 × met ÷ (met + done late + still open past the target).",
        trend_analysis="Because of open violations the current month can only be read to date; a falling rate with a "
        "stable median means that a few orders are being forgotten.",
        diagnostics="Group by `verdict`: done late is a capacity question, open past target is a follow-up question. "
        "Then by priority and team.",
        tips="Work the list of promises that end tomorrow; what is already late should be called about, not raced.",
        visualization="Stacked columns of met, late and open past target per week, the target line at the contract's "
        "level.",
        risk_warnings="Pauses can be abused: compare time on hold per reason before celebrating. Longer targets raise "
        "the rate without helping anyone.",
        tools="The drill-down of `open_past_target`, time in state, the hold reasons.",
        integration="Targets come from the work type's SLA or the import; `basis=closed` is the variant of systems "
        "that judge closed work only.",
        change_impact="A point is one promise in a hundred; check what a violation costs in your contracts to price "
        "it.",
    ),
    "on_time_arrival": Entry(
        definition="The share of visits where somebody arrived inside the window that the customer was told, with 15 "
        "minutes of grace.",
        business_insights="Waiting at home is what customers resent most, and an early warning repairs most of it. It "
        "leads satisfaction by weeks.",
        measurement_approach="Arrivals are corrected for wrong device clocks and late syncing. A window that passed "
        "without an arrival is late; off before the window opened is out; the last confirmed window counts.",
        formula="100 × arrivals from the window's start to its end plus grace ÷ visits with a window that is over.",
        trend_analysis="Compare the same weekdays; Mondays and the first cold week are always worse.",
        diagnostics="Group by `window_accuracy`: late by minutes is travel planning, late by an hour is overrunning "
        "jobs, no_show is dispatch. Then by hour of the day.",
        tips="Shorten the first window of the day rather than all of them: delays only ever add up.",
        visualization="One hundred per cent bars of the six accuracy buckets per week.",
        risk_warnings="Wider windows make it rise at the customer's expense: always read it with the windows' length. "
        "`original=true` shows what moving windows hides.",
        tools="The visit list by accuracy, the travel times, the customer's messages.",
        integration="Windows from scheduling, arrivals from the technician's app, causes from cancellations.",
        change_impact="Five points usually show in satisfaction within a month.",
    ),
    "cancellation_rate": Entry(
        definition="The share of visits that were called off, of all that came to an end.",
        business_insights="A canceled visit is a slot that could have been sold; one that is canceled on the way also "
        "cost the travel.",
        measurement_approach="In the period of the planned start. Visits still open are in neither side, and the "
        "canceled ones are in the denominator.",
        formula="100 × canceled ÷ (canceled + completed + incomplete).",
        trend_analysis="Expect a step after holidays and price changes; the cause tells which.",
        diagnostics="Group by `cause`: customer, us, partner. Ours are planning faults, theirs are reminders missing.",
        tips="Confirm the day before by message; ask for the reason with one tap.",
        visualization="Stacked columns by cause per week.",
        risk_warnings="Moving a visit instead of canceling it keeps this low and the customer waiting.",
        tools="The drill-down by cause, and reschedule reasons.",
        integration="Cancel events with their cause, from the office, a partner or the customer.",
        change_impact="Every point frees one slot in a hundred.",
    ),
}
