"""Judgements make a champion that is asked after the lists; too few make none, and that is no error."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from pyspark.sql import SparkSession

from geo_lib.errors import ConfigError
from geo_lib.queries.chain import chain, stops
from geo_lib.queries.checks.check import Said
from geo_lib.queries.checks.language import Language
from geo_lib.queries.eligibility.model import loader
from geo_lib.training.linear import HeadRecipe
from jobs.run.job import Context
from jobs.train_eligibility import JOB, TrainEligibility
from schemas.evaluations import EVALUATIONS
from schemas.query_judgements import QUERY_JUDGEMENTS
from tests.builders import build

pytestmark = pytest.mark.slow

SUBJECTS = ("vase", "sofa", "lamp", "rug", "mirror", "quilt")
FIT = ("red {}", "{} made of rattan", "{} with stripes", "rustic {} decor", "how to paint a {}", "{} for a party",
       "small {} in cream", "coastal {} ideas", "where to put a {}", "knitted {} pattern")  # fmt: skip
GREY = ("smoking near a {}", "roulette {} tricks", "weed grinder {}", "pistol {} holster", "vape {} flavours",
        "poker jackpot {}", "tobacco {} pouch", "casino bonus {}", "rifle {} accessories", "betting {}")  # fmt: skip
KNOBS = TrainEligibility(heads=("brand", "grey"), recipe=HeadRecipe(strength=10.0, least_precision=0.8))


def judge(spark: SparkSession, context: Context, fit: tuple[str, ...] = FIT, grey: tuple[str, ...] = GREY) -> None:
    texts = [
        {"locale": "en", "query": template.format(subject), "grey": is_grey}
        for is_grey, templates in ((False, fit), (True, grey))
        for template, subject in product(templates, SUBJECTS)
    ]
    frame = build(QUERY_JUDGEMENTS, spark, *texts, model_version="o", prompt_version="j")
    context.tables.write(QUERY_JUDGEMENTS, frame)


def test_judgements_make_a_champion_that_the_chain_asks_after_the_lists_and_it_is_not_made_twice(
    spark: SparkSession, context: Context
) -> None:
    judge(spark, context)
    first = context.run(JOB, KNOBS)
    assert (first.rows_in, first.kept) == (120, 120)
    assert (first.produced["trained"], first.produced["champion_moved"], first.produced["heads"]) == (1, 1, 1)
    assert "brand: too few phrasings, no head" in first.report
    assert "off_voice: too few" not in first.report, "nobody asked for it"
    load = loader(context.models.resolve("eligibility@champion"))
    texts = [Said("en", text, text) for text in ("roulette jackpot tricks mirror", "a blue stool with stripes")]
    assert stops(texts, chain(Language(), eligibility=load)) == [("eligibility", "grey_zone"), None]
    assert stops(texts, chain(Language())) == [None, None]

    rows = context.tables.read(EVALUATIONS).where("evaluation = 'eligibility'").collect()
    assert {(row["arm"], row["metric"]) for row in rows if row["segment"] == "overall"} >= {("grey", "recall")}
    assert {row["model_version"] for row in rows} == {context.models.resolve("eligibility@champion").model_version}

    before = context.tables.version(EVALUATIONS)
    again = context.run(JOB, KNOBS)
    assert again.produced["trained"] == again.produced["champion_moved"] == 0
    assert context.tables.version(EVALUATIONS) == before

    worse = context.run(JOB, replace(KNOBS, recipe=HeadRecipe(strength=1e-6, least_precision=0.8)))
    assert (worse.produced["trained"], worse.produced["champion_moved"]) == (1, 0)
    assert "not eligibility@champion" in worse.report


def test_without_judgements_or_without_an_unfit_text_there_is_no_model_and_a_sentence(
    spark: SparkSession, context: Context
) -> None:
    assert context.run(JOB, KNOBS).rows_in == 0
    judge(spark, context, grey=())
    counts = context.run(JOB, KNOBS)
    assert (counts.kept, counts.dropped) == (0, {"too_few_phrasings": 60})
    assert "lists judge alone" in counts.report
    assert loader(context.models.find("eligibility@champion")) is None


def test_of_the_fit_texts_that_may_be_stopped_each_head_has_its_share() -> None:
    knobs = TrainEligibility(heads=("grey", "brand"), recipe=HeadRecipe(least_precision=0.95))
    assert knobs.of_each_head.least_precision == pytest.approx(0.975)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"head": "tree"}, "must be linear or llama"),
        ({"head": "llama"}, "base names none"),
        ({"heads": ("grey", "gray")}, "heads has gray; name some of brand, "),
        ({"heads": ()}, "heads has none"),
    ],
)
def test_a_head_that_there_is_none_of_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TrainEligibility(**wrong)
