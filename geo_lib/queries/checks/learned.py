"""What the lists of eligibility let pass, judged by the model that was trained on an oracle's judgements."""

from collections.abc import Sequence

from geo_lib.queries.checks.check import Check, Said
from geo_lib.queries.checks.eligibility import ELIGIBILITY
from geo_lib.queries.eligibility.heads import REASONS
from geo_lib.queries.eligibility.model import Load, objections


def learned_check(load: Load) -> Check:
    """The check by the model that ``load`` loads. It belongs to the stage of the lists, and has their reason codes:
    what an editor asks is why a query was dropped, and not which of the two had the word for it."""

    def reasons(texts: Sequence[Said]) -> list[str | None]:
        said = objections(load(), [(text.locale, text.raw) for text in texts])
        return [None if head is None else REASONS[head] for head in said]

    return Check(stage=ELIGIBILITY.stage, reasons=reasons)
