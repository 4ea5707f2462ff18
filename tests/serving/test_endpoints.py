"""Endpoints of a configuration: what cannot be is refused before anybody is asked or paid."""

from pathlib import Path

import pytest

from geo_lib import config
from geo_lib.errors import ConfigError
from geo_lib.serving.endpoints import ChatDecoding, Endpoint, Prices, Shape, endpoint_named, key_of
from jobs.label_queries import LabelQueries


def knobs(folder: Path, text: str) -> LabelQueries:
    (folder / "conf").mkdir(exist_ok=True)
    path = folder / "conf" / "own.yml"
    path.write_text(text)
    loaded = config.load(path)
    loaded.refuse_unknown({"label_queries": LabelQueries})
    return loaded.knobs("label_queries", LabelQueries)


def test_endpoints_stand_under_names_of_ones_own_and_paths_in_a_command_are_absolute(tmp_path: Path) -> None:
    own = knobs(
        tmp_path,
        """
        settings:
          endpoints:
            oracle: {url: "http://127.0.0.1:{port}/v1", model: m, serve: [run, ./it, --port, "{port}"]}
            judge: {url: https://example.com/v1, model: j, prices: {prompt: 2, output: 8.5}, most_dollars: 5, key: KEY}
        """,
    )
    assert own.endpoints == {
        "oracle": Endpoint("http://127.0.0.1:{port}/v1", "m", serve=("run", f"{tmp_path}/it", "--port", "{port}")),
        "judge": Endpoint("https://example.com/v1", "j", key="KEY", prices=Prices(2.0, 8.5), most_dollars=5.0),
    }


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        ("{urll: x}", "settings.endpoints.oracle has no knob urll; it has .*most_dollars"),
        ("{url: example.com}", "settings.endpoints.oracle: url must begin with https:// or http://, not be 'example"),
        ("{concurrent: 0}", "settings.endpoints.oracle: concurrent must be at least 1, not 0"),
        ("{timeout_seconds: 0}", "timeout_seconds must be above 0"),
        (
            "{prices: {prompt: 1}}",
            "settings.endpoints.oracle: it has prices and no most_dollars; say what may be spent",
        ),
        ("{prices: {promt: 1}}", "settings.endpoints.oracle.prices has no knob promt; it has output, prompt"),
        ("{most_dollars: -1}", "most_dollars must not be negative"),
        ("{most_dollars: 5}", "it has most_dollars and no prices.prompt nor prices.output, so that nothing is held"),
        ("{url: 'https://me:open-sesame@example.com/v1'}", "oracle: url has an @, as one with a user and a password"),
        ("{url: 'me:open-sesame@example.com'}", "oracle: url has an @, as one with a user and a password"),
        ("{key: open-sesame}", "oracle: key must be the name of an environment variable, which holds the key itself"),
        ("{url: 'http://x:{port}/v1'}", "url has {port}, which is found when the endpoint is served"),
        ("mine", "settings.endpoints.oracle must hold keys and values, not 'mine'"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_in_one_sentence(tmp_path: Path, endpoint: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as refused:
        knobs(tmp_path, f"settings: {{endpoints: {{oracle: {endpoint}}}}}")
    assert "sesame" not in str(refused.value)


def test_one_that_is_not_there_or_only_half_there_is_named() -> None:
    some = {"judge": Endpoint("https://x/v1", "m"), "oracle": Endpoint(model="m"), "empty": Endpoint()}
    with pytest.raises(
        ConfigError, match=r"settings\.endpoints has no oracle, and there is none; name its url and model"
    ):
        endpoint_named({}, "oracle")
    with pytest.raises(ConfigError, match=r"settings\.endpoints has no teacher, and it has empty, judge, oracle"):
        endpoint_named(some, "teacher")
    with pytest.raises(ConfigError, match=r"settings\.endpoints\.oracle has no url, so there is nobody to ask"):
        endpoint_named(some, "oracle")
    with pytest.raises(ConfigError, match=r"settings\.endpoints\.empty has no url and no model"):
        endpoint_named(some, "empty")
    assert endpoint_named(some, "judge") is some["judge"]


def test_a_key_comes_from_the_environment_or_is_missed_there(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(key="A_KEY_OF_MINE")
    monkeypatch.delenv("A_KEY_OF_MINE", raising=False)
    with pytest.raises(
        ConfigError, match="takes its key from the environment variable A_KEY_OF_MINE, which is not set"
    ):
        key_of("oracle", endpoint)
    monkeypatch.setenv("A_KEY_OF_MINE", "secret\n")
    assert key_of("oracle", endpoint) == "secret"
    assert key_of("oracle", Endpoint()) is None


@pytest.mark.parametrize("key", ["open\nsesame", "open sesame", "öpen-sesame", "open\x7fsesame"])
def test_a_key_that_no_header_takes_is_refused_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY_OF_MINE", key)
    with pytest.raises(ConfigError, match="A_KEY_OF_MINE holds no key that can be sent") as refused:
        key_of("oracle", Endpoint(key="A_KEY_OF_MINE"))
    assert "sesame" not in str(refused.value)


def test_an_answer_costs_what_its_tokens_do_and_nothing_where_nobody_charges() -> None:
    assert Endpoint(prices=Prices(2.5, 10.0), most_dollars=1.0).dollars(1_000_000, 100_000) == pytest.approx(3.5)
    assert Endpoint().dollars(1_000_000, 100_000) is None


def test_another_temperature_length_or_shape_draws_other_answers() -> None:
    shape, other = Shape("a", {"type": "object"}), Shape("a", {"type": "array"})
    decodings = (ChatDecoding(), ChatDecoding(temperature=None), ChatDecoding(max_new_tokens=9))
    versions = {decoding.version(asked) for decoding in decodings for asked in (shape, other, None)}
    assert len(versions) == 9
