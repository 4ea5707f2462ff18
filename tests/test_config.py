"""Configuration: layers, unknown keys, kinds, environment."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from geo_lib import config
from geo_lib.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Mine:
    top_k: int = 30
    min_ctr: float = 0.8
    countries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {self.top_k}")


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "base.yml").write_text("schema: geo\njobs: {mine: {top_k: 5, min_ctr: 0.5}}\n")
    return tmp_path / "conf" / "own.yml"


def test_a_file_lies_on_top_of_what_it_extends_knob_by_knob(conf: Path) -> None:
    conf.write_text("extends: base.yml\nas_of: 2026-01-31\njobs: {mine: {top_k: 7, countries: [deu, aut]}}\n")
    loaded = config.load(conf)
    assert (loaded.target, loaded.schema, loaded.as_of) == ("own", "geo", date(2026, 1, 31))
    assert loaded.knobs("mine", Mine) == Mine(top_k=7, min_ctr=0.5, countries=("deu", "aut"))
    assert loaded.knobs("another", Mine) == Mine()


@dataclass(frozen=True, slots=True)
class Miner:
    mine: Mine = field(default_factory=lambda: Mine(top_k=3, min_ctr=0.1))


def test_what_a_section_leaves_out_is_as_the_job_has_it_and_not_as_its_class_has(conf: Path) -> None:
    conf.write_text("jobs: {miner: {mine: {top_k: 7}}}\n")
    assert config.load(conf).knobs("miner", Miner) == Miner(Mine(top_k=7, min_ctr=0.1))


def test_relative_paths_start_where_conf_lies_and_uris_stay(conf: Path, tmp_path: Path) -> None:
    conf.write_text("lakehouse: ./lake\njobs: {mine: {folder: ./raw, bucket: 's3://b/raw'}}\n")
    loaded = config.load(conf)
    assert loaded.lakehouse == str(tmp_path / "lake")
    assert loaded.jobs["mine"] == {"folder": str(tmp_path / "raw"), "bucket": "s3://b/raw"}


@dataclass(frozen=True, slots=True)
class Model:
    base: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    top_k: int = 1


@dataclass(frozen=True, slots=True)
class Both:
    vlm: Model = config.setting(Model)
    asked: Asked = config.setting(Asked, of="vlm")


def test_a_job_may_know_two_parts_of_one_setting(conf: Path) -> None:
    conf.write_text("settings: {vlm: {base: tiny, top_k: 3}}\n")
    loaded = config.load(conf)
    loaded.refuse_unknown({"tune": Both})
    assert loaded.knobs("tune", Both) == Both(Model("tiny"), Asked(3))
    conf.write_text("settings: {asked: {top_k: 3}}\n")
    with pytest.raises(ConfigError, match="settings has no section asked; it has vlm"):
        config.load(conf).refuse_unknown({"tune": Both})
    conf.write_text("settings: {vlm: {top_k: many}}\n")
    with pytest.raises(ConfigError, match=r"settings\.vlm.*top_k must be int, not 'many'"):
        config.load(conf).knobs("tune", Both)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jobs: {mine: {top: 3}}", "mine has no knob top; it has countries, min_ctr, top_k"),
        ("jobs: {mine: {top_k: many}}", "mine.top_k must be int, not 'many'"),
        ("jobs: {mine: {top_k: true}}", "mine.top_k must be int, not True"),
        ("jobs: {mine: {top_k: 0}}", "mine: top_k must be at least 1, not 0"),
        ("lakehose: x", "own.yml has no knob lakehose"),
        ("lakehouse: ${GEO_NOWHERE}", "own.yml needs the environment variable GEO_NOWHERE"),
        ("extends: own.yml", "own.yml extends itself"),
        ("extends: other.yml", "no configuration file .*other.yml; conf/ has base.yml, own.yml"),
        ("jobs: {mine: hello}", "own.yml: jobs.mine must hold keys and values, not 'hello'"),
        ("extends: base.yml\njobs: {mine: hello}", "own.yml: jobs.mine must hold keys and values, not 'hello'"),
        ("jobs: [mine]", r"own.yml: jobs must hold keys and values, not \['mine'\]"),
        ("spark: local", "own.yml: spark must hold keys and values, not 'local'"),
        ("on: 1", "own.yml has no knob True"),
        ("as_of: 30.10.2026", "own.yml.as_of must be date, not '30.10.2026'"),
        ("catalog: 5", "own.yml.catalog must be str, not 5"),
        ("lakehouse: s3://bucket/lake", "the lakehouse s3://bucket/lake is a URI.* give it as a path, .*/Volumes"),
        ("{lakehouse: 'dbfs:/Volumes/a/b/c', catalog: a}", "dbfs:/Volumes/a/b/c is a URI.* below /Volumes"),
        ("[1, 2]", "must hold keys and values, not list"),
        ("a: [", "is not YAML"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(conf: Path, text: str, sentence: str) -> None:
    conf.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        config.load(conf).knobs("mine", Mine)


@pytest.mark.parametrize("text", ["jobs:", "jobs: {mine: }", "spark:", "lakehouse:"])
def test_a_section_with_nothing_under_it_changes_nothing(conf: Path, text: str) -> None:
    conf.write_text("extends: base.yml\n")
    without = config.load(conf)
    conf.write_text(f"extends: base.yml\n{text}\n")
    assert config.load(conf) == without
    conf.write_text(text)
    assert config.load(conf).knobs("mine", Mine) == Mine()


def test_a_day_in_quotes_is_a_day(conf: Path) -> None:
    conf.write_text("as_of: '2026-10-30'\n")
    assert config.load(conf).as_of == date(2026, 10, 30)


def test_whole_numbers_do_for_shares(conf: Path) -> None:
    conf.write_text("jobs: {mine: {min_ctr: 1}}")
    assert config.load(conf).knobs("mine", Mine).min_ctr == 1.0


def test_the_environment_fills_in_and_a_default_stands_in(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf.write_text("lakehouse: ${GEO_LAKE:-./default}\n")
    monkeypatch.delenv("GEO_LAKE", raising=False)
    assert config.load(conf).lakehouse.endswith("/default")
    monkeypatch.setenv("GEO_LAKE", "/elsewhere")
    assert config.load(conf).lakehouse == "/elsewhere"


@dataclass(frozen=True, slots=True)
class Scale:
    """What two jobs must agree on."""

    unit: str = "cm"
    places: int = 2


@dataclass(frozen=True, slots=True)
class Places:
    """The part of it that one of them uses."""

    places: int = 2


@dataclass(frozen=True, slots=True)
class Shelf:
    name: str
    depth: int = 30


@dataclass(frozen=True, slots=True)
class Measuring:
    scale: Scale = config.setting(Scale)
    shelves: tuple[Shelf, ...] = config.setting(lambda: (Shelf("default"),))
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class Printing:
    scale: Places = config.setting(Places)


def test_a_setting_reaches_every_job_that_has_it_each_with_the_part_it_uses(conf: Path) -> None:
    conf.write_text("settings: {scale: {unit: mm, places: 3}, shelves: [{name: oak}, {name: elm, depth: 20}]}\n")
    loaded = config.load(conf)
    loaded.refuse_unknown({"measuring": Measuring, "printing": Printing})
    assert loaded.knobs("measuring", Measuring) == Measuring(Scale("mm", 3), (Shelf("oak"), Shelf("elm", 20)), rounds=1)
    assert loaded.knobs("printing", Printing) == Printing(Places(3))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("settings: {scales: {unit: mm}}", "own.yml: settings has no section scales; it has scale, shelves"),
        ("settings: {scale: {units: mm}}", "own.yml: settings.scale has no units; it has places, unit"),
        ("settings: {scale: {places: many}}", "settings.scale.places must be int, not 'many'"),
        ("settings: {scale: mm}", "settings.scale must hold keys and values, not 'mm'"),
        ("settings: {shelves: [{depth: 3}]}", r"settings.shelves\[0\]: .*name"),
        ("settings: {shelves: [oak]}", "settings.shelves must hold keys and values, not 'oak'"),
        ("jobs: {printing: {scale: {places: 1}}}", "printing.scale is what several jobs must agree on: set it under"),
        ("jobs: {printer: {}}", "own.yml configures printer, which is no job; jobs are measuring, printing"),
    ],
)
def test_two_jobs_cannot_be_told_different_things_where_they_must_agree(conf: Path, text: str, sentence: str) -> None:
    conf.write_text(text)
    jobs: dict[str, type] = {"measuring": Measuring, "printing": Printing}

    def told() -> list[object]:
        loaded = config.load(conf)
        loaded.refuse_unknown(jobs)
        return [loaded.knobs(job, knobs) for job, knobs in jobs.items()]

    with pytest.raises(ConfigError, match=sentence):
        told()


def test_relative_paths_are_resolved_however_deep_they_stand(conf: Path, tmp_path: Path) -> None:
    conf.write_text("settings: {vlm: {base: ./model}, more: [{at: ../x}]}\njobs: {mine: {recipe: {words: ./words}}}\n")
    loaded = config.load(conf)
    assert loaded.settings["vlm"] == {"base": str(tmp_path / "model")}
    assert loaded.settings["more"] == [{"at": str(tmp_path.parent / "x")}]
    assert loaded.jobs["mine"] == {"recipe": {"words": str(tmp_path / "words")}}
