"""Several cases of one applicant, brought to where a plan is drawn up, and their ceilings."""

from datetime import date
from typing import Any

from caseflow.cases.opening import Opening, open_case
from caseflow.catalogue import queries as catalogue
from caseflow.kernel.calendar import local_date
from caseflow.rehearsal.applicants import Applicant
from caseflow.rehearsal.openings import territories_of
from tests.integration.five_cities import Land, cities


def firm_of(land: Land, measure: str) -> Applicant:
    """Register an enterprise where the measure's policy applies."""
    with land.house.database.session() as session:
        loaded = catalogue.measure(session, measure)
        territory = territories_of(cities()[loaded.city], loaded.policy)[0]
        return land.register(session, kind="enterprise", territory=territory)


def opened(land: Land, measure: str, firm: Applicant, used_on: date | None = None) -> str:
    """Open a case of the firm; `used_on` is the day of the matter."""
    workflow_hash, lead = land.sql(
        "SELECT v.workflow_hash, (v.organisations->>'lead_bureau')::bigint FROM measure_version v"
        " JOIN measure m ON m.id = v.measure_id JOIN policy_version p"
        " ON p.id = v.policy_version_id AND p.current WHERE m.code = %s",
        measure,
    )[0]
    seat = land.player.workflow_of(workflow_hash).opened_by[0]
    opener = land.player.people({"lead_bureau": lead, "applicant": firm.id}, seat)[0]
    wanted = Opening(
        measure=measure,
        applicant=firm.public_id,
        title="上限测试",
        actor_id=opener,
        at=land.now,
        call=land.calls[measure],
        matter_on=used_on or local_date(land.now),
    )
    return open_case(land.house.cases, wanted).case


def proposed(land: Land, measure: str, firm: Applicant, used_on: date | None = None) -> str:
    """Return a case of the firm for which a plan is to be drawn up."""
    case = opened(land, measure, firm, used_on)
    land.walk(case, "proposed")
    return case


def plan(land: Land, case: str, fen: int, **more: Any) -> str:
    """Draw up the plan of a case; returns where it stands then."""
    return land.act(case, "draft_plan", planned_fen=fen, **more).state


def used(land: Land, key: str) -> tuple[int, int]:
    """Return what is used of a ceiling in fen and times, nothing where there is none."""
    rows = land.sql("SELECT used_fen, used_times FROM cap WHERE key LIKE %s", key)
    return rows[0] if rows else (0, 0)


def assert_counted(land: Land) -> None:
    """Every counter is the sum of its live uses, and no more than its limit."""
    wrong = land.sql(
        "SELECT k.key FROM cap k LEFT JOIN cap_use u ON u.cap_key = k.key GROUP BY k.key"
        " HAVING k.used_fen <> coalesce(sum(u.fen), 0) OR k.used_times <> coalesce(sum(u.times), 0)"
        " OR k.used_fen > k.limit_fen OR k.used_times > k.limit_times"
    )
    assert wrong == []
