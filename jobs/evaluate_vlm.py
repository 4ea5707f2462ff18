"""Measure the queries that the tuned model writes for held-out images, beside four simpler ways to get some.

    geo evaluate-vlm --conf conf/demo.yml

Reads generations, images, image_bytes, training_examples and the truth of the simulated platform; where
there is none, what the console retained for held-out images stands in for it, and the evaluation is named
so. Replaces its slice of evaluations. Counts held-out signatures.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from geo_lib.catalogue.subjects import subjects
from geo_lib.config import setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError
from geo_lib.evaluation.vlm_quality import (
    METRIC,
    Measured,
    Queries,
    Subject,
    answered,
    deranged,
    measure,
    most_frequent,
    nearest,
    paper_rows,
    report_lines,
)
from geo_lib.models import VLM_BASE, VLM_CHAMPION, ModelFiles
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.training.split import split_column
from geo_lib.vlm import inference
from geo_lib.vlm.batches import VisualFeatures
from geo_lib.vlm.engine import EngineSpec
from geo_lib.vlm.finetune import load, release
from geo_lib.vlm.processor import bounds_of, load_processor
from geo_lib.vlm.prompts import PROMPT_VERSION
from geo_lib.vlm.settings import AskedVlm
from geo_lib.vlm.training_set import QUOTAS, prompt_column
from jobs.run.job import Context, Job
from schemas.evaluations import EVALUATIONS
from schemas.generations import GENERATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.training_examples import TRAINING_EXAMPLES
from schemas.truth_images import TRUTH_IMAGES
from schemas.truth_intents import TRUTH_INTENTS

AGAINST_TRUTH, AGAINST_CONSOLE = "vlm_quality", "vlm_quality_console"
TUNED, SHUFFLED, FREQUENT, NEAREST, UNTUNED = (
    "tuned",
    "shuffled_images",
    "most_frequent",
    "nearest_training_image",
    "untuned_base",
)
ARMS = (TUNED, SHUFFLED, FREQUENT, NEAREST, UNTUNED)


@dataclass(frozen=True, slots=True)
class EvaluateVlm:
    """The knobs of this job; conf/*.yml may set any of them."""

    signatures: int = 1800
    """At most so many held-out signatures, by hash; the paper's N."""
    vlm: AskedVlm = setting(AskedVlm)
    """The tuned model is judged by what it wrote so."""
    seed: int = 0
    max_failed_share: float = 0.05
    """The job fails when a larger share of an arm's answers are missing or errors, which score 0."""

    def __post_init__(self) -> None:
        if self.signatures < 2:
            raise ValueError(f"signatures must be at least 2, not {self.signatures}")
        zero_to_one(self, "max_failed_share")


def run(ctx: Context, knobs: EvaluateVlm) -> Counts:
    champion, base = ctx.model(VLM_CHAMPION), ctx.model(VLM_BASE)
    held_out = _held_out(ctx)
    intents, pictures = ctx.truth(TRUTH_INTENTS), ctx.truth(TRUTH_IMAGES)
    if has_truth := intents is not None and pictures is not None:
        known = _against_truth(held_out, intents, pictures)
    else:
        known = _against_console(ctx, held_out)
    known.sort(key=lambda s: s.signature)
    chosen, beyond = known[: knobs.signatures], known[knobs.signatures :]
    by_signature = {s.signature: s for s in chosen}
    prompts = {r["signature"]: r["prompt"] for r in held_out.collect()}
    without_truth = prompts.keys() - {s.signature for s in known}
    dropped = {"no_truth": len(without_truth), "beyond_the_sample": len(beyond)}
    if not chosen:
        return Counts(len(prompts), 0, dropped=dropped, report="no held-out signature with a known answer")

    spec = EngineSpec(
        model_path=champion.path,
        model_version=champion.model_version,
        bounds=bounds_of(load_processor(champion.path)),
        decoding=knobs.vlm.decoding,
        max_model_len=knobs.vlm.max_model_len,
        max_num_seqs=knobs.vlm.max_num_seqs,
        log_file=ctx.log_file("vllm.log"),
    )
    training = [r for r in ctx.read(TRAINING_EXAMPLES).orderBy("example_id").collect() if r["split"] == "train"]

    answers: dict[str, Mapping[str, Queries]] = {}
    unanswered: dict[str, int] = {}
    ctx.progress(0, 5, TUNED)
    written = _written_before(ctx, champion, knobs)
    if not written.keys() & by_signature.keys():
        raise ConfigError(
            f"none of {len(chosen)} held-out signatures has an answer of {champion.model_version} under decoding "
            f"{knobs.vlm.decoding.version}; run "
            "geo annotate-images first"
        )
    answers[TUNED], unanswered[TUNED] = _settled(TUNED, written, by_signature, knobs)
    ctx.progress(1, 5, FREQUENT)
    common = most_frequent([(r["locale"], r.asDict()) for r in training], quotas=QUOTAS)
    answers[FREQUENT] = {s.signature: common.get(s.locale, {}) for s in chosen}
    ctx.progress(2, 5, NEAREST)  # before the engines: the driver must have left the GPU when they come
    answers[NEAREST] = _copied(ctx, base, champion, chosen, training)
    release()
    ctx.progress(3, 5, SHUFFLED)
    others = deranged(by_signature, seed=knobs.seed)
    written = _generated(ctx, spec, prompts, others)
    answers[SHUFFLED], unanswered[SHUFFLED] = _settled(SHUFFLED, written, others, knobs)
    ctx.progress(4, 5, UNTUNED)
    untuned = replace(spec, model_path=base.path, model_version=base.model_version)
    written = _generated(ctx, untuned, prompts, {s: s for s in by_signature})
    answers[UNTUNED], unanswered[UNTUNED] = _settled(UNTUNED, written, by_signature, knobs)

    measured = [row for arm in ARMS for row in measure(arm, answers[arm], chosen, seed=knobs.seed)]
    evaluation = AGAINST_TRUTH if has_truth else AGAINST_CONSOLE
    versions = {TUNED: champion.model_version, SHUFFLED: champion.model_version, UNTUNED: base.model_version}
    _write(ctx, evaluation, measured + paper_rows(), versions)
    against = "the simulated truth" if has_truth else "what the console retained"
    title = f"matched ROUGE-1 F1 against {against}, held-out signatures"
    return Counts(
        len(prompts),
        len(chosen),
        dropped=dropped,
        produced={"measurements": len(measured)} | {f"{arm}_without_an_answer": n for arm, n in unanswered.items()},
        report=report_lines(title, measured, unanswered),
    )


def _held_out(ctx: Context) -> DataFrame:
    """(signature, locale, prompt) of every held-out signature, the prompt as annotate_images asks it."""
    one_each = subjects(ctx.read(IMAGES), "signature")
    return one_each.where(split_column(F.col("split_key")) == "held_out").select(
        "signature", "locale", prompt_column().alias("prompt")
    )


def _against_truth(held_out: DataFrame, intents: DataFrame, pictures: DataFrame) -> list[Subject]:
    """What the simulated platform meant each image to be found by, in the locale of its prompt."""
    novel = pictures.groupBy("signature").agg(F.max("novel_combination").alias("is_novel"))
    meant = intents.select("signature", "locale", "category", "intent", "paraphrases")
    rows = (
        held_out.join(meant, on=["signature", "locale"], how="inner")
        .join(novel, on="signature", how="left")
        .groupBy("signature", "locale", "is_novel")
        .agg(F.array_sort(F.collect_list(F.struct("category", "intent", "paraphrases"))).alias("intents"))
        .collect()
    )
    return [
        Subject(r["signature"], r["locale"], _by_category(r["intents"]), is_novel=bool(r["is_novel"])) for r in rows
    ]


def _by_category(intents: Sequence[Row]) -> dict[str, list[Sequence[str]]]:
    return {c: [tuple(i["paraphrases"]) for i in intents if i["category"] == c] for c in CATEGORIES}


def _against_console(ctx: Context, held_out: DataFrame) -> list[Subject]:
    """The queries that the console gave held-out images in the locale of their prompt; each is said in one way."""
    examples = ctx.read(TRAINING_EXAMPLES).where("split = 'held_out'")
    rows = examples.join(held_out, on=["signature", "locale"], how="left_semi").collect()
    return [Subject(r["signature"], r["locale"], {c: [(q,) for q in r[c]] for c in CATEGORIES}) for r in rows]


def _written_before(ctx: Context, champion: ModelFiles, knobs: EvaluateVlm) -> dict[str, Row]:
    """Signature to the text or error_class that annotate_images stored."""
    written = inference.answers(
        ctx.read(GENERATIONS),
        ctx.read(IMAGES),
        model_version=champion.model_version,
        prompt_version=PROMPT_VERSION,
        decoding_version=knobs.vlm.decoding.version,
    )
    return {row["signature"]: row for row in written.select("signature", "text", "error_class").collect()}


def _settled(
    arm: str, written: Mapping[str, Row], wanted: Collection[str], knobs: EvaluateVlm
) -> tuple[dict[str, Queries], int]:
    """Signature to queries for those ``wanted`` that were answered, and how many were not.

    Raises ``TooManyFailedError`` when these are more than ``max_failed_share`` of them.
    """
    fates = Counter(written[s]["error_class"] if s in written else "no_answer" for s in wanted)
    kept = fates.pop(None, 0)
    counts = Counts(len(wanted), kept, failed=fates).refuse_above(
        knobs.max_failed_share, unit=f"answers of the arm {arm}"
    )
    queries = {s: answered(written[s]["text"]) for s in wanted if s in written}
    return queries, sum(counts.failed.values())


def _generated(
    ctx: Context, spec: EngineSpec, prompts: Mapping[str, str], picture_of: Mapping[str, str]
) -> dict[str, Row]:
    """Text or error_class of the answer to each signature's prompt over the picture of ``picture_of[signature]``."""
    rows = [(signature, picture, prompts[signature]) for signature, picture in sorted(picture_of.items())]
    asked = ctx.spark.createDataFrame(rows, "signature string, picture string, prompt string")
    stored = ctx.read(IMAGE_BYTES).select(F.col("signature").alias("picture"), "bytes")
    answers = inference.generations(asked.join(stored, on="picture", how="inner"), spec=spec)
    return {row["signature"]: row for row in answers.select("signature", "text", "error_class").collect()}


def _copied(
    ctx: Context, base: ModelFiles, champion: ModelFiles, chosen: Sequence[Subject], training: Sequence[Row]
) -> dict[str, Queries]:
    """The queries of the training image of the same locale that looks most alike to the base's vision tower."""
    wanted = sorted({s.signature for s in chosen} | {r["signature"] for r in training})
    vectors = dict(zip(wanted, _embedded(ctx, base, champion, wanted), strict=True))
    copied: dict[str, Queries] = {}
    for locale in sorted({s.locale for s in chosen}):
        known = sorted((r for r in training if r["locale"] == locale), key=lambda r: str(r["signature"]))
        asked = [s.signature for s in chosen if s.locale == locale]
        if not known:
            continue
        closest = nearest(np.stack([vectors[s] for s in asked]), np.stack([vectors[r["signature"]] for r in known]))
        copied |= {s: {c: known[i][c] for c in CATEGORIES} for s, i in zip(asked, closest, strict=True)}
    return copied


def _embedded(
    ctx: Context, base: ModelFiles, champion: ModelFiles, signatures: Sequence[str]
) -> list[NDArray[np.float32]]:
    """Mean visual token of each image, under the bounds that the champion was trained in."""
    wanted = ctx.spark.createDataFrame([(s,) for s in signatures], "signature string")
    stored = ctx.read(IMAGE_BYTES).select("signature", "bytes").join(wanted, on="signature", how="inner")
    images = {row["signature"]: bytes(row["bytes"]) for row in stored.toLocalIterator()}
    features = VisualFeatures(load(base.path), load_processor(champion.path), images, keep=False)
    return [features.of([s])[0][0].float().mean(dim=0).cpu().numpy() for s in signatures]


def _write(ctx: Context, evaluation: str, measured: Sequence[Measured], versions: Mapping[str, str]) -> None:
    rows = [
        (evaluation, m.arm, m.segment, METRIC, e.value, e.ci_low, e.ci_high, e.n, "signatures", versions.get(m.arm))
        for m in measured
        for e in (m.estimate,)
    ]
    frame = ctx.spark.createDataFrame(rows, EVALUATIONS.schema)
    ctx.write(EVALUATIONS, frame, slices=[evaluation])


JOB = Job(
    name="evaluate_vlm",
    knobs=EvaluateVlm,
    run=run,
    unit="held-out signatures",
    reads=(GENERATIONS, IMAGES, IMAGE_BYTES, TRAINING_EXAMPLES),
    reads_truth=(TRUTH_IMAGES, TRUTH_INTENTS),
    reads_models=lambda _: (VLM_BASE, VLM_CHAMPION),
    writes=(EVALUATIONS,),
    ask=("select segment, arm, round(value, 3) as rouge_1, n from {schema}.evaluations order by segment, arm",),
)
