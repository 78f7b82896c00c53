"""A rehearsal's checks: what a step needs and is not there is looked up at a made-up source."""

from datetime import datetime
from io import BytesIO
from typing import Any, Final

from caseflow.cases.checks.relying import point_of
from caseflow.cases.reading import Asker, read_case
from caseflow.documents.service import StoredFile, store_file
from caseflow.kernel.calendar import local_date
from caseflow.kernel.checks import PASS, missing
from caseflow.kernel.workflow.model import Step
from caseflow.rehearsal.house import House
from caseflow.reviews.checks.service import Finding, Recorder, Snapshot, Subject, record_check

SOURCE: Final = "演练信用平台"
PAPER: Final = "示例核查结果：未见异常\n本文件仅用于演练，不含任何真实单位或个人的信息。\n".encode()
MEDIA_TYPE: Final = "text/plain"


def clear(house: House, case: str, step: Step, person: int, at: datetime) -> None:
    """Let `person` check what `step` needs of a case and nobody has checked in time."""
    if point_of(step) is None:
        return
    with house.database.session() as session:
        driver: Any = session.connection().connection.driver_connection
        reading = read_case(driver, case, Asker(person, at))
        if reading is None:
            return
        workflow = house.cases.pinned.runner(driver, reading.workflow_hash).workflow
        point = point_of(step) or ""
        wanted = missing(workflow.checks.get(point, ()), reading.known, local_date(at))
        subject = Subject(reading.applicant_id, reading.id, reading.public_id, point)
        by = Recorder(person, at, house.ids, house.cases.office.signer)
        snapshot = snapshot_of(house) if wanted else None
        for kind in wanted:
            assert snapshot is not None
            record_check(session, Finding(kind, PASS, SOURCE, at), snapshot, subject=subject, by=by)


def snapshot_of(house: House) -> Snapshot:
    """Return the stored paper of a check of nobody."""
    stored: StoredFile = store_file(house.files, BytesIO(PAPER), limit=len(PAPER))
    return Snapshot(stored.sha256, stored.size, "核查结果.txt", MEDIA_TYPE)
