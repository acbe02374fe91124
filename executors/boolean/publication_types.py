"""Publication types: what PubMed finds with a type besides the type itself, as it does with MeSH headings.

The kinds of studies and reviews that searches ask for; a list of tree numbers (option trees) knows all of MeSH's.
"""

from __future__ import annotations

from sqlrl.executors.boolean.analysis import fold

__all__ = ["below_types", "with_types"]

_TREE = """
Clinical Study
 Clinical Trial
  Adaptive Clinical Trial
  Clinical Trial, Phase I
  Clinical Trial, Phase II
  Clinical Trial, Phase III
  Clinical Trial, Phase IV
  Controlled Clinical Trial
   Randomized Controlled Trial
    Equivalence Trial
    Pragmatic Clinical Trial
 Observational Study
  Observational Study, Veterinary
Clinical Trial, Veterinary
 Randomized Controlled Trial, Veterinary
Meta-Analysis
 Network Meta-Analysis
Review
 Scoping Review
 Systematic Review
Guideline
 Practice Guideline
Consensus Development Conference
 Consensus Development Conference, NIH
Research Support, U.S. Gov't, P.H.S.
 Research Support, N.I.H., Extramural
 Research Support, N.I.H., Intramural
Biography
 Autobiography
"""


def below_types() -> dict[str, list[str]]:
    """Folded name -> its place in this tree, written as tree numbers are; no number of MeSH's begins so."""
    found: dict[str, list[str]] = {}
    place: list[int] = []
    for line in _TREE.strip().splitlines():
        depth = len(line) - len(line.lstrip())
        place = [*place[:depth], (place[depth] if depth < len(place) else 0) + 1]
        found[fold(line)] = [".".join(["~" + str(place[0]), *map(str, place[1:])])]
    return found


def with_types(numbers: dict[str, list[str]]) -> dict[str, list[str]]:
    """Tree numbers, and these types' where there are none."""
    own = below_types()
    return {**own, **numbers} if not own.keys() & numbers.keys() else numbers
