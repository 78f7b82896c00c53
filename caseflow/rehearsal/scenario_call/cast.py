"""Who plays: every seat found over the API, thirty applicants made up, nobody in two seats."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from caseflow.rehearsal.codes import synthetic_uscc
from caseflow.rehearsal.scenario_call.talk import Talk, TalkFailed

CITY: Final = "yancheng"
AREA: Final = "320902"
POLICY, MEASURE = "yancheng-ai-plus", "YC-2a"
LEAD: Final = "yc_gongxinju"
FINANCE: Final = "yc_caizhengju"
AUDIT: Final = "yc_shenjiju"
POOL: Final = "yc_zhuanjiaku"
DISTRICTS: Final = {
    "yc_tinghu": "yc_tinghu_qu",
    "yc_yandu": "yc_yandu_qu",
    "yc_dafeng": "yc_dafeng_qu",
    "yc_kaifaqu": "yc_kaifaqu_gwh",
    "yc_yannan": "yc_yannan_gwh",
}
"""大市区: each territory with the organisation that is its 属地."""
APPLICANTS: Final = 30
MOST: Final = 60
"""How many people of a seat are asked for at most."""

Step = Callable[[str], None]


@dataclass
class Entrant:
    """An applicant of the call with its person, its case, and where it is registered."""

    number: int
    login: str
    name: str
    uscc: str
    territory: str
    public_id: str = ""
    case: str = ""
    case_number: str = ""

    @property
    def district(self) -> str:
        """Return the code of the district's organisation."""
        return DISTRICTS[self.territory]


@dataclass
class Play:
    """What all scenes share: the line to the house, who sits where, what was seen on the way."""

    talk: Talk
    step: Step = lambda _: None
    call: str = ""
    entrants: list[Entrant] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)
    _seats: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def sitting(self, organisation: str, role: str) -> list[str]:
        """Return the logins of everybody in a seat, asked of the house once."""
        key = (organisation, role)
        if key not in self._seats:
            query = {"organisation": organisation, "role": role, "limit": MOST}
            found = self.talk.get("/people", self.entrants[0].login, **query)
            self._seats[key] = [each["login"] for each in found["items"]]
        return self._seats[key]

    def who(self, organisation: str, role: str, index: int = 0) -> str:
        """Return the login of somebody in a seat.

        Raises:
            TalkFailed: nobody sits there.
        """
        people = self.sitting(organisation, role)
        if index >= len(people):
            raise TalkFailed(f"{organisation} 的 {role} 席位无人可办。")
        return people[index]

    def lead(self, role: str) -> str:
        """Return who sits in a seat of the lead bureau."""
        return self.who(LEAD, role)

    @property
    def auditor(self) -> str:
        """Return who audits."""
        return self.who(AUDIT, "auditor")

    def act(self, entrant: Entrant, login: str, event: str, **payload: Any) -> Any:
        """Let an event happen to the case of an entrant; returns the outcome."""
        body = {"event": event, "payload": payload}
        return self.talk.post(f"/cases/{entrant.case}/events", login, body)

    def refuse(self, entrant: Entrant, login: str, event: str, **payload: Any) -> Any:
        """Return why the house refuses an event that must not happen."""
        body = {"event": event, "payload": payload}
        return self.talk.refused(f"/cases/{entrant.case}/events", login, body)

    def check_credit(self, entrant: Entrant, login: str) -> Any:
        """Record what the credit platform says of an entrant; returns the check."""
        said = {"kind": "credit", "result": "pass", "source": "信用江苏"}
        content = f"{entrant.uscc} 无失信记录".encode()
        path = f"/cases/{entrant.case}/checks"
        return self.talk.send(path, login, said, name="信用报告.txt", content=content)

    def show(self, entrant: Entrant, login: str) -> Any:
        """Return the case as somebody sees it."""
        return self.talk.get(f"/cases/{entrant.case}", login)

    def numbered(self, *numbers: int) -> list[Entrant]:
        """Return entrants by their numbers, from 1."""
        return [self.entrants[number - 1] for number in numbers]

    def move_to(self, moment: str) -> Any:
        """Move the virtual clock to a time of Shanghai, such as `2026-06-01T09:00`."""
        at = datetime.fromisoformat(f"{moment}:00+08:00").isoformat()
        return self.talk.post("/clock", None, {"to": at})


def made_up(number: int) -> Entrant:
    """Return a made-up enterprise with a credit code whose check digits are right."""
    territory = list(DISTRICTS)[(number - 1) % len(DISTRICTS)]
    return Entrant(
        number=number,
        login=f"scene{number:02d}",
        name=f"盐城示例场景{number:02d}号科技有限公司",
        uscc=synthetic_uscc(number, kind="enterprise", area=AREA),
        territory=territory,
    )


def by_district(entrants: list[Entrant]) -> Iterator[tuple[str, list[Entrant]]]:
    """Yield each district's organisation with its entrants."""
    for organisation in DISTRICTS.values():
        yield organisation, [each for each in entrants if each.district == organisation]
