"""What an oracle says of texts, as what heads learn: each text once, and some phrasings held out."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from geo_lib.locales import language_of
from geo_lib.queries.eligibility.heads import FIT, HEADS
from geo_lib.queries.phrasings import phrasings
from geo_lib.queries.text import normalise
from geo_lib.training.linear import Rows
from geo_lib.training.split import HeldOut, Split, split_of

HELD_OUT = HeldOut(percent=20)
"""Of the phrasings, by their hash."""
BLANK, REPEATED = "blank", "repeated"


@dataclass(frozen=True, slots=True)
class Label:
    """What one normalised text of a locale is."""

    locale: str
    text: str
    kinds: frozenset[str]
    """The heads that it is for; none where it is fit."""
    phrasing: str
    split: Split


def labels_of(said: Iterable[tuple[str, str, Collection[str]]]) -> tuple[list[Label], dict[str, int]]:
    """The labels of (locale, raw query, heads), by locale and text, and why others are none: ``blank`` where nothing
    is left of the text, ``repeated`` for each time that it was judged again.

    A text is of a kind when more than half of its judgements say so. Phrasings are held out as a whole, by hash.
    """
    dropped: Counter[str] = Counter()
    votes: defaultdict[tuple[str, str], list[Collection[str]]] = defaultdict(list)
    for locale, query, kinds in said:
        if text := normalise(query, locale=locale):
            votes[locale, text].append(kinds)
        else:
            dropped[BLANK] += 1
    subjects = sorted(votes)
    labels = []
    for subject, phrasing in zip(subjects, phrasings(subjects), strict=True):
        of_it = votes[subject]
        dropped[REPEATED] += len(of_it) - 1
        kinds = frozenset(name for name in HEADS if 2 * sum(name in one for one in of_it) > len(of_it))
        labels.append(Label(*subject, kinds, phrasing, split_of(phrasing, HELD_OUT)))
    return labels, {reason: n for reason, n in dropped.items() if n}


def places_of(labels: Sequence[Label], head: str) -> list[int]:
    """Where those stand that a head learns from, or is measured by: texts of its kind, and fit ones. What another head
    is for is neither: whoever stops it, stops nothing that should pass."""
    return [place for place, label in enumerate(labels) if head in label.kinds or not label.kinds]


def of_head(labels: Sequence[Label], head: str) -> list[Label]:
    """The labels at ``places_of``."""
    return [labels[place] for place in places_of(labels, head)]


def rows_of(labels: Sequence[Label], head: str, vectors: object) -> Rows:
    """Rows of a head's ``labels`` and their ``vectors``, in the same order."""
    return Rows(
        vectors,  # type: ignore[arg-type]
        labels=[head if head in label.kinds else FIT for label in labels],
        groups=[label.phrasing for label in labels],
        segments=[language_of(label.locale) for label in labels],
    )
