"""Measure the queries that the tuned model writes for held-out images, beside four simpler ways to get some.

    geo evaluate-vlm --conf conf/demo.yml

Reads generations, images, image_bytes, training_examples and the truth of the simulated platform; where
there is none, what the console retained for held-out images stands in for it, and the evaluation is named
so. A model of prefer_vlm that does not serve answers as well, beside what it gains over the one that does, image by
image. Replaces its slice of evaluations, and fails afterwards when the tuned model is worse than min_score or
min_gain_over_shuffled allow. Counts held-out signatures.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from geo_lib.catalogue.subjects import subjects
from geo_lib.config import setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError
from geo_lib.evaluation.arms import Answers, Arm, ask, settled
from geo_lib.evaluation.rows import evaluation_rows, gains, measure, refuse_below, refuse_gain_below, report_lines
from geo_lib.evaluation.truth import meant, retained, subjects_of
from geo_lib.evaluation.vlm_quality import (
    METRIC,
    Queries,
    Subject,
    answered,
    deranged,
    most_frequent,
    nearest,
    paper_rows,
    scores,
    segments,
)
from geo_lib.models import VLM_BASE, VLM_CHAMPION, VLM_PREFERRED, ModelFiles
from geo_lib.queries.kinds import CATEGORIES, QUOTAS
from geo_lib.serving.partitions import generations
from geo_lib.serving.processor import load_processor
from geo_lib.serving.settings import AskedVlm
from geo_lib.serving.vllm import EngineSpec, engine, spec_of
from geo_lib.spark import held, local_frame
from geo_lib.training.shards import shards
from geo_lib.training.split import HeldOut, split_column
from geo_lib.vlm.answers import answers
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.finetune import load, release
from geo_lib.vlm.prompts import PROMPT_VERSION, prompt_column
from geo_lib.vlm.training_set import taught
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
PREFERRED, GAIN = "preferred", "preferred_above_tuned"
"""The model of prefer_vlm, where there is one that does not serve; and what it scores above the tuned one, by image."""
ARMS = (TUNED, PREFERRED, SHUFFLED, FREQUENT, NEAREST, UNTUNED)
"""As they are reported; they are asked in another order."""


@dataclass(frozen=True, slots=True)
class EvaluateVlm:
    """The knobs of this job; conf/*.yml may set any of them."""

    signatures: int = 1800
    """At most so many held-out signatures, by hash; the paper's N."""
    vlm: AskedVlm = setting(AskedVlm)
    held_out: HeldOut = setting(HeldOut)
    """The tuned model is judged by what it wrote so."""
    seed: int = 0
    max_failed_share: float = 0.05
    """The job fails when a larger share of an arm's answers are missing or errors, which score 0."""
    min_score: float | None = None
    """The job fails when the tuned model scores less overall; null asks for nothing."""
    min_gain_over_shuffled: float | None = None
    """The job fails when seeing the right picture is worth less than this, overall; null asks for nothing."""

    def __post_init__(self) -> None:
        if self.signatures < 2:
            raise ValueError(f"signatures must be at least 2, not {self.signatures}")
        zero_to_one(self, "max_failed_share")


def run(ctx: Context, knobs: EvaluateVlm) -> Counts:
    champion, base = ctx.model(VLM_CHAMPION), ctx.model(VLM_BASE)
    held_out = _held_out(ctx, knobs)
    intents, pictures = ctx.truth(TRUTH_INTENTS), ctx.truth(TRUTH_IMAGES)
    if has_truth := intents is not None and pictures is not None:
        judged_by = meant(held_out, intents, pictures)
    else:
        judged_by = retained(held_out, taught(ctx.read(TRAINING_EXAMPLES)))
    with held(judged_by) as judged_by:
        with_answer = judged_by.count()
        # a signature is a hash, so the smallest are a sample; no more of them come to the driver
        sample = judged_by.orderBy("signature").limit(knobs.signatures).collect()
    chosen, prompts = subjects_of(sample), {row["signature"]: row["prompt"] for row in sample}
    rows_in = held_out.count()
    dropped = {"no_truth": rows_in - with_answer, "beyond_the_sample": with_answer - len(chosen)}
    if not chosen:
        return Counts(rows_in, 0, dropped=dropped, report="no held-out signature with a known answer")

    examples = taught(ctx.read(TRAINING_EXAMPLES)).where("split = 'train'")
    training = examples.select("signature", "locale", *CATEGORIES).collect()
    tuned, untuned = (spec_of(m, knobs.vlm, log_file=ctx.log_file("vllm.log")) for m in (champion, base))
    own = {s.signature: s.signature for s in chosen}
    others = deranged(own, seed=knobs.seed)
    arms = [
        Arm(TUNED, partial(_written_before, ctx, champion, knobs, chosen), champion.model_version),
        Arm(FREQUENT, partial(_frequent, chosen, training)),
        Arm(NEAREST, partial(_copied, ctx, base, champion, chosen, training)),  # the driver's model, then the engines
        Arm(SHUFFLED, partial(_generated, ctx, tuned, prompts, others), champion.model_version),
        Arm(UNTUNED, partial(_generated, ctx, untuned, prompts, own), base.model_version),
    ]
    preferred = ctx.model_if_any(VLM_PREFERRED)
    if preferred is not None and preferred != champion:
        other = spec_of(preferred, knobs.vlm, log_file=ctx.log_file("vllm.log"))
        arms.append(Arm(PREFERRED, partial(_generated, ctx, other, prompts, own), preferred.model_version))
    said = ask(arms, max_failed_share=knobs.max_failed_share, progress=ctx.progress)
    parts = segments(chosen)
    scored = {arm: scores(said[arm].by_unit, chosen) for arm in ARMS if arm in said}
    measured = [m for arm, of_each in scored.items() for m in measure(arm, of_each, parts, seed=knobs.seed)]
    evaluation = AGAINST_TRUTH if has_truth else AGAINST_CONSOLE
    versions = {arm.name: arm.model_version for arm in arms}
    rows = evaluation_rows(evaluation, measured + paper_rows(), metric=METRIC, unit="signatures", versions=versions)
    gained = (
        measure(GAIN, gains(scored[PREFERRED], scored[TUNED]), parts, seed=knobs.seed) if PREFERRED in scored else []
    )
    rows += evaluation_rows(evaluation, gained, metric=f"{METRIC}_gain", unit="signatures", versions={})
    ctx.write(EVALUATIONS, local_frame(ctx.spark, rows, EVALUATIONS.schema), slices=[evaluation])
    refuse_below(measured, TUNED, least=knobs.min_score, knob="min_score")
    refuse_gain_below(measured, TUNED, SHUFFLED, least=knobs.min_gain_over_shuffled, knob="min_gain_over_shuffled")
    unanswered = {arm: said[arm].unanswered for arm in scored if said[arm].failed is not None}
    against = "the simulated truth" if has_truth else "what the console retained"
    title = f"matched ROUGE-1 F1 against {against}, held-out signatures"
    return Counts(
        rows_in,
        len(chosen),
        dropped=dropped,
        produced={"measurements": len(measured)} | {f"{arm}_without_an_answer": n for arm, n in unanswered.items()},
        report=report_lines(title, measured + gained, unanswered, columns=CATEGORIES),
    )


def _held_out(ctx: Context, knobs: EvaluateVlm) -> DataFrame:
    """(signature, locale, prompt) of every held-out signature, the prompt as annotate_images asks it."""
    one_each = subjects(ctx.read(IMAGES), "signature")
    return one_each.where(split_column(F.col("split_key"), knobs.held_out) == "held_out").select(
        "signature", "locale", prompt_column().alias("prompt")
    )


def _written_before(
    ctx: Context, champion: ModelFiles, knobs: EvaluateVlm, chosen: Sequence[Subject]
) -> Answers[Queries]:
    """What annotate_images stored of the champion. Raises ``ConfigError`` when that is nothing."""
    wanted = [s.signature for s in chosen]
    stored = answers(
        ctx.read(GENERATIONS),
        ctx.read(IMAGES),
        model_version=champion.model_version,
        prompt_version=PROMPT_VERSION,
        decoding_version=knobs.vlm.decoding.version,
    ).join(_signatures(ctx, wanted), on="signature", how="left_semi")
    written = {row["signature"]: row for row in stored.select("signature", "text", "error_class").collect()}
    if not written:
        raise ConfigError(
            f"none of {len(chosen)} held-out signatures has an answer of {champion.model_version} under decoding "
            f"{knobs.vlm.decoding.version}; run geo annotate-images first"
        )
    return settled(written, wanted, read=answered)


def _generated(
    ctx: Context, spec: EngineSpec, prompts: Mapping[str, str], picture_of: Mapping[str, str]
) -> Answers[Queries]:
    """What an engine answers to each signature's prompt over the picture of ``picture_of[signature]``."""
    rows = [(signature, picture, prompts[signature]) for signature, picture in sorted(picture_of.items())]
    asked = local_frame(ctx.spark, rows, "signature string, picture string, prompt string")
    stored = ctx.read(IMAGE_BYTES).select(F.col("signature").alias("picture"), F.array("bytes").alias("images"))
    requests = asked.join(stored, on="picture", how="inner")
    written = generations(requests, key="signature", load=partial(engine, spec))
    by_signature = {row["signature"]: row for row in written.select("signature", "text", "error_class").collect()}
    return settled(by_signature, picture_of, read=answered)


def _frequent(chosen: Sequence[Subject], training: Sequence[Row]) -> Answers[Queries]:
    """The queries that most training images of the locale have."""
    common = most_frequent([(r["locale"], r.asDict()) for r in training], quotas=QUOTAS)
    return Answers({s.signature: common.get(s.locale, {}) for s in chosen}, len(chosen))


def _copied(
    ctx: Context, base: ModelFiles, champion: ModelFiles, chosen: Sequence[Subject], training: Sequence[Row]
) -> Answers[Queries]:
    """The queries of the training image of the same locale that looks most alike to the base's vision tower."""
    signatures = sorted({s.signature for s in chosen} | {r["signature"] for r in training})
    vectors = _embedded(ctx, base, champion, signatures)
    copied: dict[str, Queries] = {}
    for locale in sorted({s.locale for s in chosen}):
        of_locale = sorted((r for r in training if r["locale"] == locale), key=lambda r: str(r["signature"]))
        asked = [s.signature for s in chosen if s.locale == locale]
        if not of_locale:
            continue
        among = np.stack([vectors[r["signature"]] for r in of_locale])
        closest = nearest(np.stack([vectors[s] for s in asked]), among)
        copied |= {s: {c: of_locale[i][c] for c in CATEGORIES} for s, i in zip(asked, closest, strict=True)}
    return Answers(copied, len(chosen))


def _embedded(
    ctx: Context, base: ModelFiles, champion: ModelFiles, signatures: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Mean visual token of each image, under the bounds that the champion was trained in."""
    wanted = _signatures(ctx, signatures)
    stored = ctx.read(IMAGE_BYTES).select("signature", "bytes").join(wanted, on="signature", how="inner")
    with tempfile.TemporaryDirectory() as folder:
        images = shards(stored, Path(folder), key="signature", content="bytes")
        features = VisualFeatures(load(base.path), load_processor(champion.path), images, keep=False)
        means = [of_one.float().mean(dim=0).cpu().numpy() for of_one in features.each(signatures)]
    del features
    release()
    return dict(zip(signatures, means, strict=True))


def _signatures(ctx: Context, signatures: Sequence[str]) -> DataFrame:
    return local_frame(ctx.spark, [(signature,) for signature in signatures], "signature string")


JOB = Job(
    name="evaluate_vlm",
    knobs=EvaluateVlm,
    run=run,
    unit="held-out signatures",
    reads=(GENERATIONS, IMAGES, IMAGE_BYTES, TRAINING_EXAMPLES),
    reads_truth=(TRUTH_IMAGES, TRUTH_INTENTS),
    reads_models=lambda _: (VLM_BASE, VLM_CHAMPION, VLM_PREFERRED),
    shares=(EVALUATIONS,),
    ask=(
        "select segment, arm, round(value, 3) as rouge_1, n from {schema}.evaluations where metric = 'rouge1_f1' "
        "order by 1, 2",
    ),
)
