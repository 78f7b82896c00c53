"""Compiles a family and a measure's parameters into the measure's own concrete workflow.

The result is deterministic: the same definitions give the same hash.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from caseflow.kernel.checks import DEFAULT_POINTS
from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.checker import check
from caseflow.kernel.workflow.draft import Draft, add_facts
from caseflow.kernel.workflow.joining import Place, join, road, stages_used
from caseflow.kernel.workflow.model import OWN, Fact, Workflow
from caseflow.kernel.workflow.money_words import PAYS
from caseflow.kernel.workflow.pruning import prune
from caseflow.kernel.workflow.schema import ENDS, FAMILY, STAGE, Shape, shape_problems
from caseflow.kernel.workflow.source import Library, MeasureSpec, Source, Where
from caseflow.kernel.workflow.states import add_states
from caseflow.kernel.workflow.steps import add_steps, resolve
from caseflow.kernel.workflow.vocabulary import AMOUNTS, FLAGS, SEATS

__all__ = ["Library", "MeasureSpec", "Source", "Where", "compile_workflows", "for_measure"]


def compile_workflows(
    family: Source, library: Library, measure: MeasureSpec
) -> dict[str, Workflow]:
    """Return the measure's workflow and those of its children (`<measure>/<kind>`) by name.

    A family that says `follows: payment` becomes a kind of child of every measure that pays: cases
    of it are opened by people, on any case that was paid, whether it runs or has ended.

    Raises:
        DefinitionError: the definitions are wrong, or what they say is not sound.
    """
    followers = _followers(library)
    families = [*_families(family, library, ()), *followers]
    _raise(list(_clashes(families, followers)))
    for source in families:
        _raise(_stage_problems(source, library))
    _raise(_misshapen(library, library.ends, ENDS))
    _raise(
        [*_parameter_problems(families, library), *_measure_problems(families, library, measure)]
    )
    compiled: dict[str, Workflow] = {}
    _compile(family, library, measure, name=measure.id, compiled=compiled)
    if any(_pays(workflow) for workflow in compiled.values()):
        for follower in followers:
            compiled |= _follow(follower, library, measure)
    return compiled


def _follow(follower: Source, library: Library, measure: MeasureSpec) -> dict[str, Workflow]:
    """Return what follows the payments of a measure; of those that say the same it is one."""
    family = follower.data["family"]
    said = repr((family, measure.parameters, measure.without, measure.flags, measure.checks))
    if said not in library.followed:
        compiled: dict[str, Workflow] = {}
        _compile(follower, library, measure, name=f"{measure.id}/{family}", compiled=compiled)
        library.followed[said] = measure, compiled
    first, compiled = library.followed[said]
    return for_measure(compiled, first, measure)


def for_measure(
    compiled: Mapping[str, Workflow], first: MeasureSpec, measure: MeasureSpec
) -> dict[str, Workflow]:
    """Return the workflows of the measure `first` as those of one that says the same of them."""

    def renamed(name: str) -> str:
        return measure.id + name.removeprefix(first.id)

    if (first.id, first.title) == (measure.id, measure.title):
        return dict(compiled)
    return {
        renamed(name): replace(
            workflow,
            name=renamed(name),
            title=measure.title + workflow.title.removeprefix(first.title),
            children={kind: renamed(child) for kind, child in workflow.children.items()},
        )
        for name, workflow in compiled.items()
    }


def _followers(library: Library) -> list[Source]:
    """Return the families whose cases may follow any payment; their shapes are sound."""
    found = [
        source
        for source in library.families.values()
        if isinstance(source.data, Mapping) and "follows" in source.data
    ]
    for source in found:
        _raise(_misshapen(library, source, FAMILY))
    return found


def _clashes(families: Sequence[Source], followers: Sequence[Source]) -> Iterator[Problem]:
    """A kind of child that a family opens itself may not bear the name of one that follows."""
    taken = {follower.data["family"] for follower in followers}
    for family in families:
        for kind in family.data.get("children", {}):
            if kind in taken:
                message = f"the child kind {kind!r} is the name of a family that follows payments"
                yield family.problem(("children", kind), "duplicate-child", message)


def _pays(workflow: Workflow) -> bool:
    return any(PAYS.intersection(step.effects) for step in workflow.steps.values())


def _raise(problems: Sequence[Problem]) -> None:
    if problems:
        raise DefinitionError(sorted(set(problems)))


def _families(family: Source, library: Library, above: tuple[str, ...]) -> list[Source]:
    """Return the family and, below it, those of its children; their shapes are sound."""
    _raise(_misshapen(library, family, FAMILY))
    found = [family]
    above = (*above, family.data["family"])
    for kind, name in family.data.get("children", {}).items():
        child = library.families.get(name)
        if child is None or name in above:
            reason = "is above it" if child else "does not exist"
            message = f"the family {name!r} of the child kind {kind!r} {reason}"
            raise DefinitionError([family.problem(("children", kind), "unknown-child", message)])
        found += _families(child, library, above)
        if not child.data.get("child", False):
            message = f"the family {name!r} does not say `child: true`"
            _raise([family.problem(("children", kind), "unknown-child", message)])
    return found


def _misshapen(library: Library, source: Source, shape: Shape) -> list[Problem]:
    """Return what is wrong with the shape of a file; what was right once is not read again."""
    if source in library.shapely:
        return []
    problems = shape_problems(source, shape)
    if not problems:
        library.shapely.add(source)
    return problems


def _stage_problems(family: Source, library: Library) -> list[Problem]:
    problems = []
    used = dict(stages_used(family))
    for name, path in used.items():
        stage = library.stages.get(name)
        if stage is None:
            problems.append(family.problem(path, "unknown-stage", f"there is no stage {name!r}"))
            continue
        problems += _misshapen(library, stage, STAGE)
        if not problems and path[0] == "stages" and not stage.data.get("states"):
            message = f"the stage {name!r} has no states; it can only stand under `anywhere`"
            problems.append(family.problem(path, "stage-without-states", message))
        if not problems and stage.data["stage"] != name:
            message = f"this file is the stage {name!r}, not {stage.data['stage']!r}"
            problems.append(stage.problem(("stage",), "name-mismatch", message))
    return problems


def _parameters_of(families: Sequence[Source], library: Library) -> set[str]:
    return {
        name
        for family in families
        for stage, _ in stages_used(family)
        for name in library.stages[stage].data.get("parameters", {})
    }


def _parameter_problems(families: Sequence[Source], library: Library) -> Iterator[Problem]:
    for family in families:
        known = _parameters_of([family], library)
        for name in family.data.get("parameters", {}):
            if name not in known:
                message = f"no stage of {family.data['family']!r} has a parameter {name!r}"
                yield family.problem(("parameters", name), "unknown-parameter", message)


def _measure_problems(
    families: Sequence[Source], library: Library, measure: MeasureSpec
) -> Iterator[Problem]:
    known = _parameters_of(families, library)
    for name in measure.parameters:
        if name not in known:
            message = f"no stage of {measure.family!r} has a parameter {name!r}"
            yield measure.problem(("parameters", name), "unknown-parameter", message)
    yield from _without_problems(families, measure)
    for flag in measure.flags:
        if flag not in FLAGS:
            yield measure.problem((), "unknown-flag", f"there is no legal flag {flag!r}")


def _without_problems(families: Sequence[Source], measure: MeasureSpec) -> Iterator[Problem]:
    """A stage may be left out where the measure's family, or one of its children's, allows it."""
    entries = [(name, item) for family in families for name, _, item in road(family)]
    for name in measure.without:
        optional = [item.get("optional", False) for other, item in entries if other == name]
        if not optional:
            message = f"the family {measure.family!r} has no stage {name!r}"
            yield measure.problem(("without",), "unknown-stage", message)
        elif not any(optional):
            message = f"the stage {name!r} is not optional in {measure.family!r}"
            yield measure.problem(("without",), "stage-not-optional", message)


def _compile(
    family: Source,
    library: Library,
    measure: MeasureSpec,
    *,
    name: str,
    compiled: dict[str, Workflow],
) -> None:
    """Compile the children first: what they pay decides what their parents must have passed."""
    children = {kind: f"{name}/{kind}" for kind in family.data.get("children", {})}
    for kind, child in family.data.get("children", {}).items():
        _compile(library.families[child], library, measure, name=children[kind], compiled=compiled)
    draft = _draft(family, library, measure, name=name, children=children)
    _raise(draft.problems)
    workflow = _workflow(draft, measure)
    _raise(check(workflow, draft.where, compiled=compiled))
    compiled[name] = workflow


def _draft(
    family: Source, library: Library, measure: MeasureSpec, *, name: str, children: dict[str, str]
) -> Draft:
    problems: list[Problem] = []
    places = join(family, library, measure, problems)
    if not any(place.order is not None for place in places):
        _raise([family.problem(("stages",), "unknown-stage", "no stage is left of this family")])
    where = Where(fallback=(family.file, family.line("stages")))
    draft = Draft(
        name=name,
        family=family,
        library=library,
        places=places,
        problems=problems,
        where=where,
        children=children,
    )
    add_facts(draft, [library.stages[stage] for stage, _ in stages_used(family)])
    add_states(draft)
    add_steps(draft)
    prune(draft, _first(places).entry)
    resolve(draft)
    draft.seats(family, ("opened_by",), family.data["opened_by"])
    return draft


def _workflow(draft: Draft, measure: MeasureSpec) -> Workflow:
    family, is_child = draft.family, draft.name != measure.id
    title = f"{measure.title}·{family.data['title']}" if is_child else measure.title
    opened_by = family.data["opened_by"]
    return Workflow(
        name=draft.name,
        title=title,
        family=family.data["family"] if is_child else measure.family,
        opened_by=(opened_by,) if isinstance(opened_by, str) else tuple(opened_by),
        initial=_first(draft.places).entry,
        states=draft.states,
        steps=draft.steps,
        clocks=draft.clocks,
        facts=_facts(draft),
        children=draft.children,
        flags=() if is_child else tuple(sorted(measure.flags)),
        payee=_payee(draft),
        commits=family.data.get("commits", OWN),
        acts=draft.acts,
        checks=_checks(family, measure),
    )


def _checks(family: Source, measure: MeasureSpec) -> dict[str, tuple[str, ...]]:
    """Return the kinds of check at each point: the measure's, else the family's, else credit."""
    said = {**family.data.get("checks", {}), **measure.checks}
    return {
        point: tuple(dict.fromkeys(said.get(point, kinds)))
        for point, kinds in DEFAULT_POINTS.items()
    }


def _payee(draft: Draft) -> str:
    """Return the party that is paid; it must be one that a seat of the vocabulary has."""
    payee = str(draft.family.data.get("payee", "applicant"))
    if payee not in {seat.party for seat in SEATS.values()}:
        _raise([draft.family.problem(("payee",), "unknown-seat", f"there is no party {payee!r}")])
    return payee


def _first(places: Sequence[Place]) -> Place:
    return next(place for place in places if place.order is not None)


def _facts(draft: Draft) -> dict[str, Fact]:
    """Return the entered facts of the stages in use, and the amounts that are used."""
    used = {
        name: fact
        for name, fact in draft.known.items()
        if name in draft.used and (name in AMOUNTS or not fact.system)
    }
    return {**draft.entered, **used}
