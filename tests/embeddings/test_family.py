"""Families: configured in one place, and never two models in one of them."""

from pathlib import Path
from typing import Any

import pytest

from geo_lib import config
from geo_lib.embeddings.family import FamilySettings, family, founding, same_model
from geo_lib.errors import ConfigError
from jobs.registry import JOBS

USERS = {name: job for name, job in JOBS.items() if "families" in config.settings_of(job.knobs)}
TWO = "settings: {families: [{name: ours, encoder: ./ours}, {name: minilm_text}]}\n"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    return tmp_path / "conf" / "own.yml"


def test_every_job_that_compares_vectors_has_the_families_of_the_one_setting(conf: Path, tmp_path: Path) -> None:
    conf.write_text(TWO)
    assert set(USERS) == {
        *("embed_queries", "embed_images", "build_index", "build_collections", "rank_annotations", "plan_links"),
        *("train_categories", "train_eligibility", "merge_queries", "confirm_queries", "evaluate_validation"),
    }
    expected = (FamilySettings("ours", str(tmp_path / "ours")), FamilySettings("minilm_text"))
    for name, job in USERS.items():
        assert config.load(conf).knobs(name, job.knobs).families == expected
    assert founding(expected) == "ours"


@pytest.mark.parametrize("name", sorted(USERS))
@pytest.mark.parametrize("knob", [{"families": [{"name": "mine"}]}, {"family": "mine"}, {"encoder": "./mine"}])
def test_no_job_can_be_told_another_family_than_the_rest(name: str, knob: dict[str, Any], conf: Path) -> None:
    conf.write_text(TWO)
    with pytest.raises(ConfigError, match=r"several jobs must agree on|has no knob"):
        config.load(conf).knobs(name, JOBS[name].knobs, knob)


@pytest.mark.parametrize("families", ["[]", "[{name: a}, {name: a, encoder: ./b}]"])
@pytest.mark.parametrize("name", sorted(USERS))
def test_a_name_stands_for_one_family_and_there_is_one(families: str, name: str, conf: Path) -> None:
    conf.write_text(f"settings: {{families: {families}}}\n")
    with pytest.raises(ConfigError, match="families must be one or more of different names"):
        config.load(conf).knobs(name, JOBS[name].knobs)


def test_a_text_family_encodes_both_sides_by_one_model() -> None:
    encoders = family(FamilySettings()).encoders
    assert encoders["queries"].model_version == encoders["images"].model_version


def test_images_and_queries_of_different_models_are_refused_by_name() -> None:
    assert same_model("f", images=["v1"], queries=["v1"]) == "v1"
    assert same_model("f", images=["v1"], queries=[]) == "v1"
    assert same_model("f", images=[], queries=[]) is None
    with pytest.raises(ConfigError, match=r"family f .*images from v1, those of queries from v2.*embed-images"):
        same_model("f", images=["v1"], queries=["v2"])
    with pytest.raises(ConfigError, match="images from no known model, those of queries from v1"):
        same_model("f", images=[None], queries=["v1"])
