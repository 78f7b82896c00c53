"""Composition: the Flask factory and the doors, nothing else."""

from flask import Flask

from caseflow.api import doors
from caseflow.api.context import House
from caseflow.batches import models as batches_models
from caseflow.batches.bulk import models as bulk_models
from caseflow.batches.plans import models as plans_models
from caseflow.batches.summaries import models as summaries_models
from caseflow.cases import models as cases_models
from caseflow.cases.assembly import assemble
from caseflow.cases.service import Cases
from caseflow.catalogue import models as catalogue_models
from caseflow.catalogue.parameters import models as parameters_models
from caseflow.catalogue.places import data_root
from caseflow.catalogue.titles import models as titles_models
from caseflow.clock import Clock, clock_for
from caseflow.database.access import locate, open_database
from caseflow.database.orm import db
from caseflow.deadlines import models as deadlines_models
from caseflow.documents import models as documents_models
from caseflow.documents.letters import models as letters_models
from caseflow.funds import models as funds_models
from caseflow.funds.awards import models as awards_models
from caseflow.funds.bars import models as bars_models
from caseflow.funds.equity import models as equity_models
from caseflow.funds.equity.pools import models as pools_models
from caseflow.funds.recoveries import models as recoveries_models
from caseflow.history import models as history_models
from caseflow.history.checkpoints import models as checkpoints_models
from caseflow.identity import models as identity_models
from caseflow.identity.delegations import models as delegations_models
from caseflow.identity.successions import models as successions_models
from caseflow.identity.ties import models as ties_models
from caseflow.notifications import models as notifications_models
from caseflow.reviews import models as reviews_models
from caseflow.reviews.experts import models as experts_models
from caseflow.settings import Settings, read_settings

TABLES = (
    awards_models, bars_models, batches_models, bulk_models, cases_models, catalogue_models,
    checkpoints_models, deadlines_models, delegations_models, documents_models, equity_models,
    experts_models, funds_models, history_models, identity_models, letters_models,
    notifications_models, parameters_models, plans_models, pools_models, recoveries_models,
    reviews_models, successions_models, summaries_models, ties_models, titles_models,
)  # fmt: skip
"""Every module with tables: whoever imports this one knows the whole database."""

READING_LIMITS = "-c statement_timeout=5000 -c lock_timeout=2000"
"""Milliseconds that a request may wait for the database. (reliability.md §3, 49)"""


def create_app(
    settings: Settings | None = None, *, cases: Cases | None = None, clock: Clock | None = None
) -> Flask:
    """Return the WSGI application of a house; without arguments that of this process's settings.

    Raises:
        Unavailable: the database does not answer.
    """
    settings = read_settings() if settings is None else settings
    if cases is None:
        database = open_database(locate(settings), pool_size=settings.pool_size)
        cases = assemble(database, settings, data_root())
    clock = clock_for(cases.connect) if clock is None else clock
    app = Flask("caseflow", static_folder=None, template_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=cases.database.address.url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": settings.pool_size,
            "max_overflow": settings.pool_size,
            "pool_pre_ping": True,
            "use_native_hstore": False,
            "connect_args": {"options": READING_LIMITS},
        },
    )
    db.init_app(app)
    app.extensions["caseflow"] = House(settings=settings, cases=cases, clock=clock)
    doors.install(app, app.extensions["caseflow"])
    return app
