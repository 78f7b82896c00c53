"""The play from the first request to the last, and what came of it."""

from typing import Final

from caseflow.rehearsal.scenario_call import deciding, intake, judging, paying
from caseflow.rehearsal.scenario_call.cast import Play, Step
from caseflow.rehearsal.scenario_call.comparing import compare, read_history, verify_history
from caseflow.rehearsal.scenario_call.talk import Talk
from caseflow.rehearsal.scenario_call.telling import CallTold

NAME: Final = "scenario-call"
STEPS: Final = 203
"""How often the play says what it does, for a bar that shows how far it is."""


def play_call(host: str, port: int, step: Step = lambda _: None) -> CallTold:
    """Play the whole call against the house that is served at `host`:`port`, and compare.

    `step` is told of each act that begins. The house must be fresh (`founding.found`).

    Raises:
        TalkFailed: the house refused what it must do, or did what it must refuse.
    """
    talk = Talk(host, port, NAME)
    play = Play(talk, step)
    try:
        began_at = talk.get("/clock")["at"]
        _play(play)
        step("对照留痕")
        events = read_history(play, began_at)
        return CallTold(play, events, compare(play, events), verify_history(play))
    finally:
        talk.close()


def _play(play: Play) -> None:
    intake.look_around(play)
    intake.prepare(play)
    intake.apply(play)
    intake.recommend(play)
    judging.judge(play)
    judging.rank(play)
    deciding.decide(play)
    paying.pay(play)
    paying.follow_up(play)
