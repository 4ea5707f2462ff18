"""How well a set of queries meets a set of intents: matched one to one, ROUGE-1 F1, over any script."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

Intent = Sequence[str]
"""One thing people want, in the ways they say it; the best of them counts."""

# One character of a script that is written without spaces, or a run of other letters and digits.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


class WordTokenizer:
    """Lower-case words of any script; single characters where words are not set apart.

    rouge-score's own tokenizer keeps ASCII alone: it would score every Japanese answer 0.
    """

    def tokenize(self, text: str) -> list[str]:
        return _TOKEN.findall(text.lower())


@lru_cache(maxsize=1)
def _scorer() -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1"], tokenizer=WordTokenizer())


@lru_cache(maxsize=200_000)
def rouge1_f1(truth: str, answer: str) -> float:
    """Unigram overlap as F1, 0 to 1."""
    return float(_scorer().score(truth, answer)["rouge1"].fmeasure)


def matched_score(answers: Sequence[str], intents: Sequence[Intent]) -> float | None:
    """Mean ROUGE-1 F1 of the best one-to-one matching; what is left over on either side counts as 0.

    Null when there is neither an answer nor an intent.
    """
    from scipy.optimize import linear_sum_assignment

    if not answers and not intents:
        return None
    if not answers or not intents:
        return 0.0
    gain = np.array([[max(rouge1_f1(said, answer) for said in intent) for intent in intents] for answer in answers])
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return float(gain[rows, columns].sum() / max(gain.shape))


def category_scores(
    answers: Mapping[str, Sequence[str]], intents: Mapping[str, Sequence[Intent]], categories: Sequence[str]
) -> dict[str, float | None]:
    """``matched_score`` within each category: a good query in the wrong category is worth nothing."""
    return {c: matched_score(answers.get(c, ()), intents.get(c, ())) for c in categories}
