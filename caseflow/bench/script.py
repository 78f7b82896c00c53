"""What an act wrote, as the script of pgbench that writes the same, statement by statement.

The rows come from a real decision. Only what must differ from case to case is computed by the
database: numbers, the chain of hashes, the request's id. Each table takes one statement, however
many rows it takes, as a program written by hand would do it; one that sends letters takes two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson

from caseflow.cases.consequences import writes_of
from caseflow.cases.reading import Asker, read_case
from caseflow.cases.service import Cases, Request
from caseflow.cases.statement import Writes, write
from caseflow.history.part import COLUMNS as EVENT_COLUMNS
from caseflow.kernel.errors import NotFound

ID: Final = ":id"
SEQ: Final = ":seq"
KNOWN: Final = frozenset({
    "events", "moved", "duties", "clocks", "timers", "tasks_closed", "tasks_opened", "amounts",
    "notices", "deliveries",
})  # fmt: skip
"""The parts of the one statement that a script can say; a decision that writes more is refused."""
NOTICES_OF: Final = """
    SELECT n.person_id, n.notice, n.rule, n.due_on, n.facts, n.created_at, d.channel
    FROM notification n LEFT JOIN delivery d ON d.notification_id = n.id
    WHERE n.case_id = %s AND n.rule LIKE %s ORDER BY n.id
"""
NOTICE_COLUMNS: Final = "person_id, notice, rule, due_on, facts, created_at"
HEX: Final = frozenset({"salt", "request_hash", "body", "mac"})


@dataclass(frozen=True)
class Recorded:
    """What one decision wrote: the rows of its parts, and the notices that came of them."""

    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    notices: Sequence[tuple[Any, ...]]


def record(cases: Cases, public_id: str, request: Request) -> Recorded:
    """Let `request` happen to a case and return what that wrote.

    Raises:
        NotFound: there is no such case, or the decision writes what no script can say.
    """
    with cases.connect() as connection:
        asker = Asker(request.actor_id, request.at, request.id)
        reading = read_case(connection, public_id, asker)
        if reading is None:
            raise NotFound(f"There is no case {public_id!r}.")
        act = cases.decide(connection, reading, request)
        writes: Writes = writes_of(act, cases.office)
        unknown = {name for name, rows in writes.rows.items() if rows} - KNOWN
        if unknown or len(writes.rows["events"]) != 1:
            raise NotFound(f"No script can say what {request.event!r} writes: {sorted(unknown)}.")
        write(connection, writes)
        pattern = f"%#{reading.head_seq + 1}"
        notices = connection.execute(NOTICES_OF, (act.case_id, pattern)).fetchall()
    return Recorded(writes.rows, notices)


def script(decisions: Sequence[Recorded]) -> str:
    """Return a script in which `decisions` follow each other on one random case of the client.

    `:lo` is the first id of all, `:span` how many each client has to itself.
    """
    first = ":lo + :client_id * :span"
    head = f"\\set id random({first}, {first} + :span - 1)\n"
    return head + "".join("BEGIN;\n" + _decision(each) + "COMMIT;\n" for each in decisions)


def _decision(done: Recorded) -> str:
    rows = done.rows
    statements = [
        _event(rows["events"][0]),
        _case(rows["moved"][0]),
        *(_task_closed(row) for row in rows["tasks_closed"]),
        _insert("task", [_task(row) for row in rows["tasks_opened"]]),
        _insert("clock", [_clock(row) for row in rows["clocks"]], conflict="(case_id, name)"),
        _insert("timer", [_timer(row) for row in rows["timers"]]),
        _insert("amount_step", [{**_own(row), "seq": SEQ} for row in rows["amounts"]]),
        _insert("duty", [_own(row) for row in rows["duties"]], conflict=""),
        *(_notice(each) for each in done.notices),
    ]
    return "".join(statement for statement in statements if statement)


def _event(row: Mapping[str, Any]) -> str:
    """The event and its place in the chain; `:seq` and `:hash` are known afterwards."""
    own = {
        "stream": "c.id",
        "seq": "c.head_seq + 1",
        "cause_seq": "c.head_seq",
        "request_id": "rpad(c.id || '-' || c.head_seq, 22, '-')",
        "prev_hash": "c.head_hash",
        "hash": f"sha256(c.head_hash || {_bytes(row['body'])})",
        "algorithm": "'sha256'",
    }
    names = [name.strip() for name in EVENT_COLUMNS.split(",")]
    if row["cause_seq"] is None:
        del own["cause_seq"]
    values = [own[name] if name in own else _value(name, row[name]) for name in names]
    return (
        f"INSERT INTO event ({', '.join(names)}) SELECT {', '.join(values)}"
        ' FROM "case" c WHERE c.id = :id'
        " RETURNING seq, encode(hash, 'hex') AS hash \\gset\n"
    )


def _case(row: Mapping[str, Any]) -> str:
    own = {"head_seq": SEQ, "head_hash": "decode(:hash, 'hex')"}
    changes = ", ".join(
        f"{name} = {own.get(name) or _value(name, value)}"
        for name, value in row.items()
        if name not in {"id", "expected_seq"}
    )
    return f'UPDATE "case" SET {changes} WHERE id = :id AND head_seq = :seq - 1;\n'


def _task_closed(row: Mapping[str, Any]) -> str:
    changes = {"status": row["status"], "closed_at": row["at"], "closed_by": row["closed_by"]}
    said = ", ".join(f"{name} = {_value(name, value)}" for name, value in changes.items())
    return f"UPDATE task SET {said} WHERE case_id = :id AND status = 'open';\n"


def _own(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "case_id": ID,
        **{name: _value(name, value) for name, value in row.items() if name != "case_id"},
    }


def _task(row: Mapping[str, Any]) -> dict[str, str]:
    own = _own(row)
    own["opened_at"] = own.pop("at")
    return {**own, "status": "'open'"}


def _clock(row: Mapping[str, Any]) -> dict[str, str]:
    return {**_own(row), "generation": SEQ}


def _timer(row: Mapping[str, Any]) -> dict[str, str]:
    own = _own(row)
    del own["owner"]
    return {**own, "generation": SEQ}


def _notice(notice: Sequence[Any]) -> str:
    *values, channel = notice
    names = [name.strip() for name in NOTICE_COLUMNS.split(",")]
    row = {name: _value(name, value) for name, value in zip(names, values, strict=True)}
    row["rule"] = f"{_value('rule', values[2].partition('#')[0] + '#')} || :seq"
    statement = _insert("notification", [{"case_id": ID, **row}])
    if channel is None:
        return statement
    at = row["created_at"]
    letter = {"notification_id": ":notice_id", "channel": "'email'", "status": "'pending'"}
    return statement.replace(";\n", " RETURNING id AS notice_id \\gset\n") + _insert(
        "delivery", [{**letter, "next_attempt_at": at}]
    )


def _insert(table: str, rows: Sequence[Mapping[str, str]], *, conflict: str | None = None) -> str:
    """One statement for all rows; none for none. `conflict` names a key, '' means do nothing."""
    if not rows:
        return ""
    names = list(rows[0])
    values = ", ".join("(" + ", ".join(row[name] for name in names) + ")" for row in rows)
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES {values}"
    if conflict:
        changes = ", ".join(f"{name} = excluded.{name}" for name in names)
        statement += f" ON CONFLICT {conflict} DO UPDATE SET {changes}"
    elif conflict is not None:
        statement += " ON CONFLICT DO NOTHING"
    return statement + ";\n"


def _value(name: str, value: Any) -> str:
    if name in HEX and value is not None:
        return _bytes(value)
    if isinstance(value, dict | list):
        return _text(orjson.dumps(value).decode())
    if isinstance(value, date | datetime):
        return _text(value.isoformat())
    if isinstance(value, str):
        return _text(value)
    return "NULL" if value is None else str(value).lower()


def _bytes(hexadecimal: str) -> str:
    return f"'\\x{hexadecimal}'::bytea"


def _text(text: str) -> str:
    """An SQL text without any colon, which pgbench might take for one of its variables."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3A")
    return f"E'{escaped}'"
