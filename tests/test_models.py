"""Aliases become files on the driver, and the same version is registered once."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from geo_lib.errors import ModelError
from geo_lib.models import ModelFiles, Models, base_files
from geo_lib.provenance import digest, version_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "weights"
    (made / "sub").mkdir(parents=True)
    (made / "config.json").write_text("{}")
    (made / "sub" / "model.bin").write_bytes(b"\x00\x01")
    return made


def keeps_what_a_run_trained(models: Models, name: str, folder: Path) -> None:
    with models.training(name, "v1", {"rank": 4}) as run:
        run.record({"loss": 1.5}, 1)
        kept = models.keep(name, "v1", folder, run=run)
    models.point(f"{name}@champion", "v1")
    assert models.resolve(f"{name}@champion") == kept == models.known(name, "v1")
    assert kept.digest == digest(folder) == digest(kept.path)
    assert models.known(name, "v2") is None


def test_a_kept_model_is_found_by_alias_and_by_version_with_the_digest_of_its_files(
    models: Models, folder: Path
) -> None:
    keeps_what_a_run_trained(models, "vlm", folder)


def test_what_a_run_recorded_is_in_the_registry_by_step(models: Models, folder: Path) -> None:
    with models.training("vlm", "v1", {"rank": 4}) as run:
        for step in range(1, 4):
            run.record({"loss": 3.0 - step}, step)
    history = models._client.get_metric_history(run.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(1, 2.0), (2, 1.0), (3, 0.0)]
    assert models._client.get_run(run.run_id).info.status == "FINISHED"


def test_a_training_that_breaks_is_marked_failed_and_registers_nothing(models: Models) -> None:
    with pytest.raises(RuntimeError), models.training("vlm", "v1", {}) as run:
        raise RuntimeError("out of memory")
    assert models._client.get_run(run.run_id).info.status == "FAILED"
    assert models.find("vlm@champion") is None


def test_an_alias_that_nothing_carries_says_what_makes_it(models: Models) -> None:
    told = Models(models._root, makers={"vlm@champion": "geo run train"})
    with pytest.raises(ModelError, match="vlm@champion; run geo run train, which makes it"):
        told.resolve("vlm@champion")
    with pytest.raises(ModelError, match="ranker@champion; train it, or register"):
        told.resolve("ranker@champion")
    with pytest.raises(ModelError, match="name@alias"):
        models.resolve("vlm")


def test_files_registered_where_they_lie_make_one_version_however_often(models: Models, folder: Path) -> None:
    base = base_files(str(folder), cache="unused")
    models.register("vlm", base)
    models.register("vlm", base)
    models.point("vlm@base", base.model_version)
    assert models.resolve("vlm@base") == base
    assert len(models._client.search_model_versions("name = 'vlm'")) == 1


def test_registered_files_that_are_gone_are_an_error_that_says_how_to_get_them_back(
    models: Models, folder: Path
) -> None:
    base = base_files(str(folder), cache="unused")
    models.register("vlm", base)
    models.point("vlm@base", base.model_version)
    folder.rename(folder.with_name("moved"))
    with pytest.raises(ModelError, match="where there is nothing; train it"):
        models.resolve("vlm@base")
    assert models.find("vlm@base") is None
    assert models.known("vlm", base.model_version) is None, "so it can be made again"


def test_a_moved_checkout_still_has_its_models_and_keeps_new_ones_inside(
    empty_registry: Path, folder: Path, tmp_path: Path
) -> None:
    before, after = tmp_path / "here", tmp_path / "there"
    registry = before / "lakehouse" / "mlflow"
    registry.mkdir(parents=True)
    shutil.copy(empty_registry, registry / "mlflow.db")
    shutil.copytree(folder, before / "repository" / "base")
    models = Models(str(registry))
    base = base_files(str(before / "repository" / "base"), cache="unused")
    models.register("vlm", base)
    models.point("vlm@base", base.model_version)
    keeps_what_a_run_trained(models, "vlm", folder)

    before.rename(after)
    moved = Models(str(after / "lakehouse" / "mlflow"))
    assert moved.resolve("vlm@base").path == str(after / "repository" / "base")
    champion = moved.resolve("vlm@champion")
    assert champion.path.startswith(str(after))
    assert digest(champion.path) == champion.digest
    moved.register("vlm", base_files(str(after / "repository" / "base"), cache="unused"))
    assert len(moved._client.search_model_versions("name = 'vlm'")) == 2, "the base is where it says: no new version"
    keeps_what_a_run_trained(moved, "tuned", folder)
    assert not before.exists(), "what is trained after the move lies with the rest"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of an MLflow tracking server on the loopback, with a database and artifacts of its own."""
    root = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    places = ["--backend-store-uri", f"sqlite:///{root}/mlflow.db", "--artifacts-destination", str(root / "artifacts")]
    with (root / "log").open("wb") as log:
        process = subprocess.Popen([*command, *places], cwd=root, stdout=log, stderr=log, start_new_session=True)
        try:
            uri = f"http://127.0.0.1:{port}"
            _wait_for(f"{uri}/health", process)
            yield uri
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"no MLflow server at {address}; it ended with {process.poll()}")


@pytest.mark.slow
def test_a_server_registers_a_base_once_and_gives_its_files_to_another_machine(
    server: str, folder: Path, tmp_path: Path
) -> None:
    base = base_files(str(folder), cache="unused")
    models = Models(str(tmp_path / "here"), tracking_uri=server)
    assert models.find("vlm@base") is None
    for _ in range(2):
        models.register("vlm", base)
        models.point("vlm@base", base.model_version)
    assert len(models._client.search_model_versions("name = 'vlm'")) == 1
    shutil.rmtree(folder)
    found = Models(str(tmp_path / "there"), tracking_uri=server).resolve("vlm@base")
    assert found.path == str(tmp_path / "there" / "files" / base.model_version)
    assert (found.model_version, found.digest, digest(found.path)) == (base.model_version, base.digest, base.digest)


@pytest.mark.slow
def test_a_server_keeps_what_a_run_trained(server: str, folder: Path, tmp_path: Path) -> None:
    keeps_what_a_run_trained(Models(str(tmp_path / "here"), tracking_uri=server), "tuned", folder)


@pytest.mark.slow
def test_a_copy_that_broke_off_is_not_taken_for_the_model(
    server: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Models(str(tmp_path / "here"), tracking_uri=server)
    models.register("broken_off", base := base_files(str(folder), cache="unused"))

    def half(source: str, target: Path) -> None:
        target.mkdir(parents=True)
        shutil.copy(Path(source, "config.json"), target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copytree", half)
        with pytest.raises(KeyboardInterrupt):
            models.known("broken_off", base.model_version)
    whole = models.known("broken_off", base.model_version)
    assert whole is not None
    assert digest(whole.path) == base.digest
    assert [path.name for path in Path(whole.path).parent.iterdir()] == [base.model_version]


def test_a_base_that_is_no_folder_and_no_hub_id_is_refused_before_any_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no base model at"):
        base_files(str(tmp_path / "missing"), cache="unused")


@pytest.fixture
def asked_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is asked of a server that answers like the hub for one model, acme/tiny; it has one commit."""
    commit, files, asked = "c0ffee" + "0" * 34, {"config.json": b"{}", "sub/model.bin": b"\x00\x01"}, []
    told = {"id": "acme/tiny", "sha": commit, "siblings": [{"rfilename": name} for name in files]}
    answers = {f"/api/models/acme/tiny/revision/{r}": json.dumps(told).encode() for r in ("main", commit)}
    tree = [{"type": "file", "path": name, "size": len(c), "oid": "0" * 40} for name, c in files.items()]
    answers[f"/api/models/acme/tiny/tree/{commit}"] = json.dumps(tree).encode()
    answers |= {f"/acme/tiny/resolve/{commit}/{name}": content for name, content in files.items()}

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            content = answers.get(self.path.partition("?")[0])
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.send_header("ETag", f'"{hash(self.path):x}"')
            self.send_header("X-Repo-Commit", commit)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content or b"")

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield asked
        server.shutdown()


def test_a_base_of_a_hub_is_fetched_once_whole_and_without_links(tmp_path: Path, asked_of_the_hub: list[str]) -> None:
    def fetched(base: str) -> ModelFiles:  # by a process of its own: the library reads HF_ENDPOINT once
        code = (
            "import dataclasses, json; from geo_lib.models import base_files; "
            f"print(json.dumps(dataclasses.asdict(base_files({base!r}, cache={str(tmp_path)!r}))))"
        )
        told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        return ModelFiles(**json.loads(told))

    named = fetched("acme/tiny@main")
    commit = named.digest
    assert named.model_version == f"base-{commit[:12]}"
    there = {str(p.relative_to(named.path)): p for p in Path(named.path).rglob("*") if p.is_file()}
    assert {name: p.read_bytes() for name, p in there.items()} == {"config.json": b"{}", "sub/model.bin": b"\x00\x01"}
    assert not any(p.is_symlink() for p in there.values())
    assert [p.name for p in Path(named.path).parent.iterdir()] == [commit]
    asked_of_the_hub.clear()
    assert fetched(f"acme/tiny@{commit}") == named
    assert asked_of_the_hub == [], "a pinned commit that is there needs no network"


def test_the_digest_follows_names_and_contents(folder: Path) -> None:
    before = digest(folder)
    (folder / "config.json").rename(folder / "other.json")
    renamed = digest(folder)
    (folder / "other.json").write_text("{ }")
    assert len({before, renamed, digest(folder)}) == 3


def test_documentation_beside_a_model_is_no_part_of_its_version(folder: Path) -> None:
    before = base_files(str(folder), cache="unused")
    (folder / "README.md").write_text("# A model")
    assert base_files(str(folder), cache="unused") == before


def test_a_version_depends_on_every_part_and_not_on_their_order() -> None:
    assert version_of(a=1, b="x") == version_of(b="x", a=1)
    assert version_of(a=1, b="x") != version_of(a=2, b="x")
