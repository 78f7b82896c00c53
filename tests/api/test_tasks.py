"""Tasks and standing in over HTTP: claimed, released, listed, delegated, and who may."""

from tests.api.story import HANDLER, REVIEWER, TOWN, Story

WEEK = {"first_on": "2026-05-01", "last_on": "2027-03-01", "reason": "休假"}


def test_a_task_is_claimed_shown_released_and_nobody_elses(shared_story: Story):
    client, case = shared_story.client, shared_story.submitted()
    mine = client.done(client.get("/tasks", TOWN, limit=200))["items"]
    number = next(each["id"] for each in mine if each["case"] == case)

    claimed = client.done(client.post(f"/tasks/{number}/claim", TOWN))
    again = client.done(client.post(f"/tasks/{number}/claim", TOWN))
    listed = client.done(client.get("/tasks", TOWN, view="claimed", limit=200))["items"]
    stranger = client.post(f"/tasks/{number}/claim", HANDLER)
    shown = client.done(client.get(f"/cases/{case}", TOWN))["tasks"]
    released = client.done(client.post(f"/tasks/{number}/release", TOWN))

    assert (claimed["events"], again["events"]) == (["claim_task"], [])
    assert number in [each["id"] for each in listed]
    assert stranger.status_code == 404
    assert [each["claimant"] for each in shown if each["status"] == "open"] == [TOWN]
    assert released["events"] == ["release_task"]
    assert client.get("/tasks", TOWN, view="all").status_code == 422


def test_a_delegation_is_given_listed_refused_onward_and_revoked(shared_story: Story):
    client = shared_story.client
    given = client.done(
        client.post(
            "/delegations", "huilong_zhen.head", {"to": HANDLER, **WEEK, "measures": ["QD26-7a"]}
        ),
        201,
    )
    onward = client.post("/delegations", HANDLER, {"to": REVIEWER, **WEEK})
    listed = client.done(client.get("/delegations", HANDLER))["items"]
    stranger = client.post(f"/delegations/{given['id']}/revoke", REVIEWER)
    ended = client.done(client.post(f"/delegations/{given['id']}/revoke", HANDLER))

    assert (given["giver"], given["stand_in"]) == ("huilong_zhen.head", HANDLER)
    assert given["measures"] == ["QD26-7a"]
    assert onward.status_code == 409
    assert given["id"] in [each["id"] for each in listed]
    assert stranger.status_code == 404
    assert (given["is_in_force"], ended["is_in_force"]) == (True, False)
    unknown = {"to": HANDLER, **WEEK, "measures": ["QD26-99"]}
    assert client.post("/delegations", TOWN, unknown).status_code == 404
    assert client.post("/delegations", TOWN, {"to": HANDLER}).status_code == 422
