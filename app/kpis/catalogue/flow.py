"""How does work flow? Backlog, times, throughput."""

from app.kpis.catalogue.entry import Entry

ENTRIES = {
    "cycle_time": Entry(
        definition="How long a work order takes from its first assignment to its first closing.",
        business_insights="It is the part of the customer's wait that the field organization owns; shorter cycles "
        "free working capital and calm the phone.",
        measurement_approach="In the period of the first closing; a later reopen changes nothing here. Never assigned "
        "is left out and counted. `net=true` takes out time on hold.",
        formula="Mean (and p50, p90, p95) of first closed − first assigned, in seconds.",
        trend_analysis="Read the median for the ordinary job and p90 for the promise; the mean moves with a few old "
        "orders and jumps when a backlog is cleared.",
        diagnostics="Compare gross with net: the difference is waiting on hold. Then use time in state to see where "
        "the rest is spent.",
        tips="Close on the day of the visit: most of many cycles is paperwork after the work.",
        visualization="Box or p50/p90 lines per week; never a mean alone.",
        risk_warnings="Clearing old orders makes it worse for a month although it is the right thing; closing early "
        "makes it better although it is not: read it with first-time fix.",
        tools="Time in state, the list of the longest cycles.",
        integration="Assignment and closing events; imports bring their own instants.",
        change_impact="A day less is a day's jobs less in the backlog.",
    ),
    "lead_time": Entry(
        definition="How long the customer waits from the request to the last closing, everything included.",
        business_insights="The only duration that the customer feels. It holds the waiting before anyone was assigned, "
        "which cycle time does not.",
        measurement_approach="In the period of the closing; a reopened order counts with its last one.",
        formula="Mean, p50, p90 and p95 of closed − requested, in seconds.",
        trend_analysis="Rises months after demand outgrows capacity; the backlog shows it first.",
        diagnostics="Subtract cycle time to see the wait before assignment; group by priority and channel.",
        tips="Give p90, not the mean, when you promise.",
        visualization="p50 and p90 lines per week, and a histogram once a quarter.",
        risk_warnings="Forgotten orders enter only when closed: an aging backlog keeps it falsely low.",
        tools="Backlog by age band, time in state.",
        integration="Request and closing instants, own or imported.",
        change_impact="Customers notice days, not hours, except for emergencies: split by priority.",
    ),
    "resolution_time": Entry(
        definition="How long it takes from the request until the problem is solved for the first time.",
        business_insights="Downtime of the customer's equipment in all but name; service contracts and renewals hang "
        "on it.",
        measurement_approach="To the first completion by default. `until=resolved` follows the source's own instant "
        "(its closing where it never recorded one), so that histories of other systems compare.",
        formula="Mean, p50, p90, p95 and maximum of solved − requested, in seconds.",
        trend_analysis="Compare like with like by type and season; p90 tells about hard cases, p50 about routine.",
        diagnostics="Long tails are usually parts, access or permits: look at holds by reason.",
        tips="Escalate by age, not by noise.",
        visualization="p50/p90 per week by priority, on a logarithmic axis.",
        risk_warnings="Resolving and reopening shortens it: read it with the reopen rate.",
        tools="The drill-down sorted by value, time in state.",
        integration="Completion events, or imported resolved and closed instants.",
        change_impact="Halving the tail (p95) is worth more trust than a tenth off the median.",
    ),
    "business_time": Entry(
        definition="How long it takes from one milestone to another, counting only opening hours.",
        business_insights="Contracts promise working hours; a weekend in between is nobody's delay. It shows whether "
        "the organization or the calendar was slow.",
        measurement_approach="Opening hours on the given weekdays, in the given zone with its clock changes, without "
        "the given holidays; any two milestones.",
        formula="Sum over business days of the overlap of [start, end) with [open, close), in seconds.",
        trend_analysis="Compare with the calendar duration: when only that one grows, holidays explain it.",
        diagnostics="Try request to assignment and assignment to closing apart, then group by team.",
        tips="Use the same calendar as the contract, and write it down beside the number.",
        visualization="p50/p90 per week with the contract's hours as a line.",
        risk_warnings="A short calendar makes everything look fast; an emergency service has no closing time.",
        tools="SLA compliance for promises, time in state for waiting.",
        integration="Calendar parameters travel with the request; milestones come from events or imports.",
        change_impact="Changing the calendar restates every number: treat it as a new series.",
    ),
    "time_in_state": Entry(
        definition="How long work orders stay in each state, and in each kind of hold.",
        business_insights="Most of a lead time is waiting, and each wait has an owner: this says whose.",
        measurement_approach="Each stay is clipped to the period and to the instant of the question. "
        "`words=recorded` keeps another system's own words and event order.",
        formula="Sum, mean, p50 and p90 of left − entered per state, in seconds.",
        trend_analysis="It leads lead time: a growing wait shows here the week it starts.",
        diagnostics="Group by `state`, then by `hold_reason`; parts and customer are the usual two.",
        tips="Give every hold an expected end, and chase the ones that passed it.",
        visualization="A stacked bar of mean days per state, next to last quarter's.",
        risk_warnings="States that nobody sets honestly measure discipline, not work.",
        tools="The drill-down lists the longest stays.",
        integration="Derived from status events; imports keep the order of their `seq`.",
        change_impact="A day less on hold for parts is a day less of lead time for those orders.",
    ),
    "substatus_share": Entry(
        definition="The share of work orders that ever were in a given substatus.",
        business_insights="Substatuses are where organizations write what their process really does; this counts how "
        "often.",
        measurement_approach="In the period of the request; one passage is enough.",
        formula="100 × work orders with at least one stay in the substatus ÷ work orders requested.",
        trend_analysis="A slow rise of a waiting substatus is a process that is silting up.",
        diagnostics="Group by team and type; then look at how long those stays are.",
        tips="Retire substatuses that nobody passes.",
        visualization="One line per substatus that matters, at most three.",
        risk_warnings="Renamed substatuses break the series.",
        tools="Time in state with the substatus as filter.",
        integration="Own substatuses or the imported source's words.",
        change_impact="Depends on the substatus: price one passage first.",
    ),
    "backlog": Entry(
        definition="How many work orders are open at an instant: approved, scheduled, in progress or on hold.",
        business_insights="Backlog is sold work not yet delivered: too little and people idle, too much and customers "
        "leave. Its age says which part is real.",
        measurement_approach="Rebuilt from status intervals for any instant, so a reopened order counts again from "
        "its reopening. Not yet approved requests are `population=intake`.",
        formula="Count of work orders open at the instant; ages are instant − requested.",
        trend_analysis="Follow it with new against closed: a steady rise means capacity, a jump means an event.",
        diagnostics="Age bands first, then `hold_reason`: an old backlog on hold is a decision that nobody takes.",
        tips="Review everything over 90 days once a month, and close or do it.",
        visualization="A stacked area by age band, one column per week.",
        risk_warnings="Canceling the old half improves it and nothing else; counting unapproved requests makes it "
        "look worse than it is.",
        tools="The drill-down by age band, time in state.",
        integration="Status events; `population=unclosed` matches systems that know only created and closed.",
        change_impact="Divide by the weekly throughput to see it as weeks of work.",
    ),
    "overdue_share": Entry(
        definition="The share of the open work orders whose target has passed.",
        business_insights="Tomorrow's complaints, today.",
        measurement_approach="Judged at one instant, over the same work as the backlog; orders without a target are "
        "in the denominator.",
        formula="100 × open with a target before the instant ÷ open.",
        trend_analysis="It rises before compliance falls, because nothing is done late until it is done.",
        diagnostics="Group by team and priority; the spread shows how late the late ones are.",
        tips="Take the newest overdue first where a call can still save the promise.",
        visualization="A single line, with the count of overdue orders under it.",
        risk_warnings="Moving targets lowers it without any work.",
        tools="The drill-down of the numerator is a work list.",
        integration="Targets of the SLA or of the import.",
        change_impact="Each point is one open order in a hundred that becomes a violation.",
    ),
    "new_vs_closed": Entry(
        definition="How many work orders came in and how many were closed; the value is the difference.",
        business_insights="The simplest test of whether capacity fits demand.",
        measurement_approach="Two independent counts in the same period: by request and by closing.",
        formula="Created − closed (`flow=created` and `flow=closed` give one of them).",
        trend_analysis="Weeks are noisy; four in a row with the same sign are a trend.",
        diagnostics="Group by channel and type to see where the growth comes from.",
        tips="Look at it on Monday mornings, with the week's staffing beside it.",
        visualization="Two lines and the area between them.",
        risk_warnings="Closing in bulk at the month's end fakes a good month.",
        tools="Backlog by age band, throughput by team.",
        integration="Any record with the two instants.",
        change_impact="The net adds up to the change of the backlog, order by order.",
    ),
    "throughput": Entry(
        definition="How many work orders were closed, by any dimension.",
        business_insights="What the organization delivers per week; the denominator of every plan.",
        measurement_approach="By the last closing; `until=completed` counts work done instead of papers closed. "
        "Records without a value in the dimension are not ranked.",
        formula="Count of work orders closed in the period.",
        trend_analysis="Compare with the same weeks a year ago; seasons are stronger than projects.",
        diagnostics="Group by team, technician, type or resolution code; then ask for the mix before comparing.",
        tips="Use it to plan, not to rank people: jobs differ.",
        visualization="Sorted bars for one period, lines for the trend.",
        risk_warnings="Easy jobs close faster: a ranking rewards picking them. Read it with the reopen rate.",
        tools="The ranking, and the drill-down per group.",
        integration="Closing events, own or imported.",
        change_impact="Multiply by the cost per work order to see money.",
    ),
}
