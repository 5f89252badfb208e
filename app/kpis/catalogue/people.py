"""Customers, technicians, money and machines."""

from app.kpis.catalogue.entry import Entry

ENTRIES = {
    "visit_duration": Entry(
        definition="How long an attended visit takes, from the start of work on site to its end.",
        business_insights="The raw material of planning: a wrong estimate costs either idle time or late arrivals.",
        measurement_approach="Attended visits in the period of their end; pauses are included, travel is not.",
        formula="Mean, p50, p90 and p95 of ended − started, in seconds.",
        trend_analysis="A slow rise often means older assets or new checklists, not slower people.",
        diagnostics="Group by work type and asset model, then compare with the estimate.",
        tips="Plan with p75 rather than the mean where windows are tight.",
        visualization="A box per work type, with the estimate as a mark.",
        risk_warnings="Neither way is better by itself: shorter visits with more repeats cost more.",
        tools="Time entries, the work type's estimate.",
        integration="Visit events of the technician's app, or imported visits.",
        change_impact="Five minutes per visit is about half a job per technician and day.",
    ),
    "utilization": Entry(
        definition="How much of the available shift time went into working and traveling.",
        business_insights="Field time is what the organization sells; both idle and overfull calendars lose money.",
        measurement_approach="Working and travel time inside the shift, counted once where it overlaps, over the shift "
        "without approved absence and unpaid breaks. No shift, no number: never a share of 24 hours.",
        formula="100 × (working + travel seconds inside the shift) ÷ (shift − absence − unpaid breaks).",
        trend_analysis="Look at weeks per team; single days and persons say little. Over 85 % delays start to grow.",
        diagnostics="`include=travel_only` shows the share of driving: routes and territories. Overtime is a "
        "component, not part of the ratio.",
        tips="Aim for a band and leave room for emergencies.",
        visualization="Stacked columns of work, travel and free time per team and week.",
        risk_warnings="Driving more raises it. Chasing it fills calendars with the wrong jobs: read it with first-time "
        "fix. Do not use it to judge one person.",
        tools="Time entries, shifts, absences.",
        integration="Shifts and absences from the calendar or an HR system; time follows from visit events.",
        change_impact="A point is about five minutes per technician and day.",
    ),
    "csat": Entry(
        definition="The share of ratings in the top of the scale (4 and 5 of five), of all ratings.",
        business_insights="It tells what the visit felt like; falling scores come before falling renewals.",
        measurement_approach="The newest rating of each work order, in the period of the work's completion. Comments "
        "without a rating are left out, other scales are cut at three quarters.",
        formula="100 × ratings at or over ¾ of the scale ÷ ratings.",
        trend_analysis="Use the interval: below about 100 answers most movements are chance.",
        diagnostics="Group by on-time arrival, technician and type; then read the comments of the low scores.",
        tips="Call back every score of one or two within a day: it changes the score and the customer.",
        visualization="The rate with its interval as a line; a stacked bar of the five scores beside it.",
        risk_warnings="Few answers and happy answers go together: read it with the response rate. Do not show scores "
        "of fewer than five answers to a technician.",
        tools="Survey answers and comments, recovery tasks.",
        integration="The survey after closing, by mail or text message, or imported answers.",
        change_impact="Five points up usually follow from on-time arrival, not from friendlier mails.",
    ),
    "nps": Entry(
        definition="Promoters (9–10) less detractors (0–6), per hundred answers to “would you recommend us?”.",
        business_insights="A measure of the relation rather than of the visit; slow, and known by every board.",
        measurement_approach="The newest answer of each work order, in the period of the work's completion.",
        formula="100 × (promoters − detractors) ÷ answers, from −100 to 100.",
        trend_analysis="Quarters, not weeks; its interval is twice as wide as that of a rate.",
        diagnostics="Group by customer and territory; the passives are the ones to win.",
        tips="Ask it less often than satisfaction, and always with a text field.",
        visualization="A bar of promoters, passives and detractors, with the score as a number.",
        risk_warnings="One scandal moves it more than a year of work; cultures answer scales differently.",
        tools="Survey answers.",
        integration="Survey questions of kind NPS, own or imported.",
        change_impact="Watch the share of detractors: that is where churn comes from.",
    ),
    "survey_response_rate": Entry(
        definition="The share of surveys that were answered, of those that reached the customer.",
        business_insights="Every other number from customers stands on it.",
        measurement_approach="By the instant of sending. Suppressed and bounced surveys are left out and counted by "
        "reason; without a delivery receipt, sent counts as arrived.",
        formula="100 × answered ÷ delivered.",
        trend_analysis="New surveys need a week before they can be judged.",
        diagnostics="Group by channel and language; a high bounce count is an address problem.",
        tips="One question, one tap, the same evening.",
        visualization="A funnel: closed, sent, delivered, answered.",
        risk_warnings="Sending only to happy customers raises satisfaction and ruins both numbers.",
        tools="The list of surveys with their reasons.",
        integration="Mail and text message receipts; `basis=closed` relates imported answers to closed work.",
        change_impact="Doubling it narrows the interval of satisfaction by about a third.",
    ),
    "cost_per_work_order": Entry(
        definition="What a completed work order costs: labor, travel, parts, contractor and overhead.",
        business_insights="It turns repeat visits, long drives and wrong parts into one number that a price can be "
        "compared with.",
        measurement_approach="Everything spent on the work orders completed in the period, all visits included, at the "
        "rates and prices of the day. A missing rate makes its part unknown and the answer incomplete, never zero.",
        formula="Σ (labor + travel + parts net of returns + contractor + overhead) ÷ completed work orders; in minor "
        "units, one row per currency.",
        trend_analysis="Look at the median beside the mean: a few large jobs move it.",
        diagnostics="Compare the five components by type; then look for repeats.",
        tips="Price by work type from p75, not from the mean.",
        visualization="A stacked bar of the five components per work type.",
        risk_warnings="Skipping a second visit lowers it once and costs twice later: read it with satisfaction.",
        tools="Time entries with their rates, part movements with their prices.",
        integration="Rates from the technician's record, prices from the parts, totals from imports "
        "(`costs=imported`).",
        change_impact="Repeat visits are usually the largest avoidable part.",
    ),
    "parts_used": Entry(
        definition="How many parts were used on work orders, less what came back.",
        business_insights="It drives stock, van layout and the loss reason that most first visits fail on.",
        measurement_approach="Quantities of movements to and from work orders, by the instant of use.",
        formula="Σ quantity used − Σ quantity returned.",
        trend_analysis="Seasonal by nature; compare with a year ago.",
        diagnostics="Group by `part` or asset model; many returns mean that planning guesses.",
        tips="Put on the van what nine of ten visits of a type used.",
        visualization="Sorted bars of the top twenty parts.",
        risk_warnings="Pieces of different parts do not add up to anything meaningful: group before you read.",
        tools="Stock by van and depot, the planned parts of the work type.",
        integration="Part movements from the app, or imported usage.",
        change_impact="A part on the van at the right time saves a trip.",
    ),
    "mtbf": Entry(
        definition="How long assets run between failures.",
        business_insights="It tells which machines to replace, and whether maintenance pays.",
        measurement_approach="Operating time (since installation or first seen, less downtime from each failure to its "
        "repair) over failures. `basis=gaps` takes the mean time from one failure of an asset to its next.",
        formula="Σ operating seconds ÷ failures; null when nothing failed.",
        trend_analysis="Years, not weeks; a small fleet needs many.",
        diagnostics="Group by asset model; falling values on one model are a maker's fault, on one site an operator's.",
        tips="Compare before and after a maintenance program on the same assets.",
        visualization="A dot per model with the number of failures as its size.",
        risk_warnings="Assets that never fail are in the operating variant and not in the gaps one: the two differ by "
        "design. Few failures make it jump.",
        tools="The asset's history.",
        integration="Corrective work orders on assets, own or imported.",
        change_impact="Doubling it halves the emergency visits to those assets.",
    ),
}
