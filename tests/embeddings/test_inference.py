"""Encoding over partitions, with the real packaged model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.embeddings.encoder import TextModel, load_packaged, text_model
from geo_lib.embeddings.inference import embedded, pooled, same_model
from geo_lib.embeddings.texts import image_texts, query_texts
from geo_lib.embeddings.vectors import Vectors
from geo_lib.errors import ConfigError, ModelError

MODEL = TextModel(family="minilm_text", model_version="v1", load=load_packaged)


class Broken:
    """Answers with vectors of the wrong length: no real encoder does it on demand."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), 4), 0.7, dtype=np.float32)


class Compass:
    """Four directions, so that means can be counted by hand."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.array([{"n": (0, 1), "s": (0, -1), "e": (1, 0), "w": (-1, 0)}[t] for t in texts], dtype=np.float32)


def test_an_image_points_where_its_texts_point_on_average() -> None:
    north_east = pooled(Compass(), [["n", "e"], ["n"]])
    assert north_east == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [0, 1]]), abs=1e-6)


def test_texts_that_cancel_out_are_refused() -> None:
    with pytest.raises(ModelError, match="cancel out"):
        pooled(Compass(), [["n", "s"]])


def test_an_encoder_that_does_not_give_unit_vectors_is_caught() -> None:
    with pytest.raises(ModelError, match=r"'lamp' is 0\.4 off unit length"):
        pooled(Broken(), [["lamp"]])


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no modules\.json"):
        text_model(str(tmp_path), family="minilm_text")


def test_the_packaged_model_puts_like_texts_near_each_other() -> None:
    oak, desk, birthday = load_packaged().encode(["oak table", "wooden desk", "birthday balloons"])
    assert oak @ desk > 0.5 > oak @ birthday


def test_an_image_is_its_validated_queries_and_title_in_the_locale_of_its_first_row(spark: SparkSession) -> None:
    images = spark.createDataFrame(
        [("b", "s1", " Lampe ", "de"), ("a", "s1", "Oak lamp", "en"), ("c", "s1", "", "en"), ("d", "s2", None, "en")],
        "image_id string, signature string, title string, locale string",
    )
    annotations = spark.createDataFrame(
        [("s1", "en", "reading lamp"), ("s1", "de", "leselampe"), ("s1", "en", "Oak lamp")],
        "signature string, locale string, query string",
    )
    rows = {row.signature: row for row in image_texts(images, annotations).collect()}
    assert (rows["s1"].locale, rows["s1"].texts) == ("en", ["Oak lamp", "reading lamp"])
    assert rows["s2"].texts == []


def test_only_new_or_changed_texts_reach_the_model_and_the_rest_keep_their_vectors(spark: SparkSession) -> None:
    def texts(*rows: tuple[str, str, str]) -> DataFrame:
        return spark.createDataFrame(list(rows), "query_id string, locale string, query string").transform(query_texts)

    old = texts(("q1", "en", "oak table"), ("q2", "en", "desk"))
    known = old.selectExpr(
        *("query_id", "'minilm_text' as family", "'v1' as model_version", "locale", "text_hash"),
        "array(cast(1 as float), cast(0 as float)) as embedding",
    )
    now = texts(("q1", "en", "oak table"), ("q2", "en", "standing desk"), ("q3", "en", "lamp"))
    rows = {r.query_id: r for r in embedded(now, key="query_id", model=MODEL, known=known, tasks=1).collect()}
    assert {name: row.reused for name, row in rows.items()} == {"q1": True, "q2": False, "q3": False}
    assert rows["q1"].embedding == [1.0, 0.0]
    assert np.linalg.norm(rows["q3"].embedding) == pytest.approx(1.0, abs=1e-5)

    other = TextModel(family="minilm_text", model_version="v2", load=load_packaged)
    again = embedded(now, key="query_id", model=other, known=known, tasks=2)
    assert again.where("reused").count() == 0


def test_images_and_queries_of_different_models_are_refused_by_name(spark: SparkSession) -> None:
    def of(*versions: str | None) -> DataFrame:
        return spark.createDataFrame([(version,) for version in versions], "model_version string")

    assert same_model(images=of("v1", "v1"), queries=of("v1"), family="f") == "v1"
    assert same_model(images=of("v1"), queries=of(), family="f") == "v1"
    assert same_model(images=of(), queries=of(), family="f") is None
    with pytest.raises(ConfigError, match=r"family f .*images from v1, those of queries from v2.*same encoder"):
        same_model(images=of("v1"), queries=of("v2"), family="f")
    with pytest.raises(ConfigError, match="images from no known model, those of queries from v1"):
        same_model(images=of(None), queries=of("v1"), family="f")
