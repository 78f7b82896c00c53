"""Composition: the Flask factory and the doors, nothing else."""

from flask import Flask

from caseflow.batches import models as batches_models
from caseflow.cases import models as cases_models
from caseflow.catalogue import models as catalogue_models
from caseflow.database.orm import db
from caseflow.deadlines import models as deadlines_models
from caseflow.documents import models as documents_models
from caseflow.funds import models as funds_models
from caseflow.history import models as history_models
from caseflow.identity import models as identity_models
from caseflow.notifications import models as notifications_models
from caseflow.reviews import models as reviews_models
