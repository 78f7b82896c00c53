"""Finding the notes of a text that name the bureaus of a clause, e.g. （责任单位：甲、乙）."""

import re
from dataclasses import dataclass

from caseflow.catalogue.policies import PolicyFiles
from caseflow.catalogue.words import Section, Words, joined


@dataclass(frozen=True)
class BureauNotes:
    """The form of a policy's notes, filled with the names that its measures know."""

    note: re.Pattern[str]
    name: re.Pattern[str]

    @classmethod
    def of(cls, files: PolicyFiles) -> "BureauNotes":
        """Return what a note of this policy looks like."""
        form = files.policy.bureau_note
        known = {joined(name) for measure in files.measures for name in measure.bureaus}
        names = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
        between, after = (
            "|".join(re.escape(joined(words)) for words in sorted(each, key=len, reverse=True))
            for each in (form.between, form.after)
        )
        before = re.escape(joined(form.before))
        whole = f"{before}(?P<names>(?:{names})(?:(?:{between})(?:{names}))*)(?:{after})"
        return cls(re.compile(whole), re.compile(names))

    def next_names(self, words: Words, after: int) -> list[str]:
        """Return the names in the first note that begins at `after` or later, none if none does."""
        found = self.note.search(words.text, after)
        return [] if found is None else self.name.findall(found["names"])

    def written(self, words: Words, section: Section) -> list[str]:
        """Return the notes of a section as they stand in the text."""
        inside = words.text[section.start : section.end]
        return [found[0] for found in self.note.finditer(inside)]
