"""The call as a batch: planned by one, published by another, its sheets, and what became of it."""

from typing import Any, Final

from caseflow.rehearsal.scenario_call.cast import DISTRICTS, MEASURE, Entrant, Play

TITLE: Final = "2026年度人工智能优秀示范应用场景申报通知"
CRITERIA: Final = (
    ("innovation", "创新性", 30),
    ("effect", "应用成效", 30),
    ("replicability", "可复制性", 20),
    ("safety", "安全性", 20),
)
PLACES: Final = 10
TERMS: Final = {
    "criteria": [{"code": c, "title": title, "weight": w} for c, title, w in CRITERIA],
    "tie_rule": ["effect", "innovation"],
    "trimmed": True,
    "least_opinion": 15,
    "quota": PLACES,
}
WORKING_DAYS: Final = 5
"""For how long each list of the call is public."""
AFTERWARDS: Final = ("2026-09-28T09:00", "2026-09-29T09:00", "2026-10-30T09:00")
"""Who waits waits no longer; the call is settled; thirty days later it is archived."""


def announce(play: Play) -> None:
    """Let the handler plan the call as a batch, and a second person publish it."""
    handler = play.lead("bureau_handler")
    body = {
        "measure": MEASURE,
        "title": TITLE,
        "procedure": "batch",
        "opens_on": "2026-06-01",
        "closes_on": "2026-06-12",
        "quota": PLACES,
        "publicity_days": WORKING_DAYS,
    }
    play.call = play.talk.post("/calls", handler, body)["public_id"]
    path = f"/calls/{play.call}"
    play.seen["published_alone"] = play.talk.refused(f"{path}/publication", handler)
    play.talk.post(f"{path}/publication", play.lead("bureau_reviewer"))
    play.talk.post(f"{path}/review-terms", handler, TERMS)


def look_from_city(play: Play, recommended: str | None = None) -> None:
    """See which cases of the call the city is shown, once this district has recommended its own."""
    query = {"call": play.call, "limit": 50}
    shown = play.talk.get("/cases", play.lead("bureau_handler"), **query)["items"]
    numbers = sorted(each["number"] for each in shown)
    play.seen.setdefault("city_saw", []).append((recommended, numbers))


def refuse_unrecommended(play: Play, each: Entrant) -> None:
    """Let the city ask for a case by its id that no district has recommended."""
    path = f"/cases/{each.case}"
    asked = play.talk.refused(path, play.lead("bureau_handler"), method="GET")
    play.seen["unrecommended"] = asked


def send_sheet(play: Play, organisation: str) -> None:
    """Let a district send its summary sheet of what it has recommended."""
    number = list(DISTRICTS.values()).index(organisation) + 1
    body = {"document_no": f"区汇〔2026〕{number}号"}
    path, handler = f"/calls/{play.call}/summary-sheets", play.who(organisation, "district_handler")
    play.seen.setdefault("sheets", []).append(play.talk.post(path, handler, body))


def read_sheets(play: Play) -> None:
    """Let the bureau see that all have come, and read the first as it was sent."""
    handler = play.lead("bureau_handler")
    listed = play.talk.get(f"/calls/{play.call}/summary-sheets", handler)["items"]
    play.seen["sheets_listed"] = listed
    first = play.seen["sheets"][0]["public_id"]
    play.seen["sheet_file"] = play.talk.file(f"/summary-sheets/{first}/file", handler)


def outlive(play: Play) -> None:
    """Let the days pass on which the sweep settles and archives the call."""
    for moment in AFTERWARDS:
        play.step("批次兑付、归档")
        play.move_to(moment)


def look_back(play: Play) -> None:
    """Read where the call stands, what happened to it, and the plans that decided its cases."""
    auditor, path = play.auditor, f"/calls/{play.call}"
    play.seen["call"] = play.talk.get(path)["call"]
    play.seen["call_events"] = play.talk.get(f"{path}/events", auditor)["items"]
    versions: list[dict[str, Any]] = play.talk.get(f"{path}/plans", auditor)["items"]
    play.seen["plans"] = [
        play.talk.get(f"/plans/{each['public_id']}", auditor) for each in reversed(versions)
    ]
