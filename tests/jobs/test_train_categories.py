"""Labels make a model that is asked before the rules; too few make none, and that is no error."""

from collections.abc import Iterable

import pytest
from pyspark.sql import SparkSession

from geo_lib.queries.category_model import category_model, told
from geo_lib.training.linear import HeadRecipe
from geo_lib.training.split import HeldOut, split_of
from jobs.run.job import Context
from jobs.train_categories import JOB, TrainCategories
from schemas.evaluations import EVALUATIONS
from schemas.images import IMAGES
from schemas.oracle_queries import ORACLE_QUERIES
from tests.builders import build

pytestmark = pytest.mark.slow

KINDS = ("vase", "sofa", "lamp", "rug", "mirror")
TEMPLATES = {
    "description": ("red {}", "{} made of rattan", "{} with stripes", "{} with polka dots", "small {} in cream"),
    "style": ("{} in boho style", "rustic look of a {}", "shabby chic {} vibes", "{} with a coastal aesthetic",
              "an art deco {} theme"),
    "use_case": ("how to style a {}", "{} ideas for a party", "where to put a {} at home", "a {} as a gift for mum",
                 "make your own {} for christmas"),
}  # fmt: skip


HELD_OUT = next(key for key in map(str, range(99)) if split_of(key, HeldOut()) == "held_out")


def labels(categories: Iterable[str] = TEMPLATES) -> list[dict[str, object]]:
    return [
        {"signature": f"{kind}", "locale": "en", "category": category, "position": 1, "query": template.format(kind)}
        for category in categories
        for template in TEMPLATES[category]
        for kind in KINDS
    ]


def label(spark: SparkSession, context: Context, *rows: dict[str, object]) -> Context:
    pictures = sorted({str(row["signature"]) for row in rows})
    images = [{"image_id": s, "signature": s, "split_key": HELD_OUT if s == "held out" else "1"} for s in pictures]
    context.tables.write(IMAGES, build(IMAGES, spark, *images))
    context.tables.write(ORACLE_QUERIES, build(ORACLE_QUERIES, spark, *rows, model_version="o", prompt_version="l"))
    return context


def test_labels_make_a_champion_that_is_measured_by_what_it_has_not_seen_and_not_made_twice(
    spark: SparkSession, context: Context
) -> None:
    unseen = {"signature": "held out", "locale": "en", "category": "style", "position": 1, "query": "stool for a party"}
    label(spark, context, *labels(), unseen)
    first = context.run(JOB, TrainCategories())
    assert (first.rows_in, first.kept, first.dropped) == (76, 75, {"held_out_picture": 1})
    assert first.produced == {"trained": 1, "champion_moved": 1, "texts": 75, "held_out_texts": 15}
    champion = context.models.resolve("categories@champion")
    asked = [("en", "how to hang a mirror"), ("en", "a blue stool with dots")]
    assert [v.label for v in category_model(champion.path).verdicts(asked)] == ["use_case", "description"]
    assert told(asked, lambda: category_model(champion.path))[0].category == "use_case"

    rows = context.tables.read(EVALUATIONS).collect()
    assert {(r["evaluation"], r["unit"]) for r in rows} == {
        ("categories", "phrasings"), ("categories_by_hand", "queries"),
    }  # fmt: skip
    assert {r["model_version"] for r in rows if r["arm"] != "rules_alone"} == {champion.model_version}
    assert "phrasings that no training label used" in first.report
    assert "model_then_rules, told as" in first.report

    before = context.tables.version(EVALUATIONS)
    again = context.run(JOB, TrainCategories())
    assert again.produced["trained"] == again.produced["champion_moved"] == 0
    assert context.tables.version(EVALUATIONS) == before


def test_a_worse_recipe_leaves_the_champion_and_the_training_is_in_the_registry(
    spark: SparkSession, context: Context
) -> None:
    label(spark, context, *labels())
    context.run(JOB, TrainCategories(recipe=HeadRecipe(strength=1e-4)))
    champion = context.models.resolve("categories@champion")
    worse = context.run(JOB, TrainCategories())  # surer, of twelve phrasings, than three others bear out
    assert (worse.produced["trained"], worse.produced["champion_moved"]) == (1, 0)
    assert "not categories@champion" in worse.report
    assert context.models.resolve("categories@champion") == champion
    client = context.models._client
    runs = client.search_runs([client.get_experiment_by_name("visual-geo").experiment_id])
    assert {run.data.params["recipe.strength"] for run in runs} == {"100.0", "0.0001"}
    assert all(run.data.metrics["held_out_loss"] > 0 for run in runs)


def test_of_more_texts_than_may_lie_on_the_driver_some_are_left_out_and_counted(
    spark: SparkSession, context: Context
) -> None:
    label(spark, context, *labels())
    some = context.run(JOB, TrainCategories(most_texts=60))
    assert (some.rows_in, some.kept, some.dropped) == (75, 60, {"over_most_texts": 15})


def test_without_labels_or_without_those_of_a_category_there_is_no_model_and_a_sentence(
    spark: SparkSession, context: Context
) -> None:
    empty = context.run(JOB, TrainCategories())
    assert (empty.rows_in, empty.kept) == (0, 0)
    assert "no model: 2 phrasings of each category are needed, there are description 0" in empty.report
    label(spark, context, *labels(("description", "style")))
    partial = context.run(JOB, TrainCategories())
    assert (partial.kept, partial.dropped) == (0, {"too_few_phrasings": 50})
    assert "use_case 0; rules go on" in partial.report
    assert context.models.find("categories@champion") is None
    assert context.tables.read(EVALUATIONS).isEmpty()
