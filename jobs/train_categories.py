"""Train the model that tells a query's category on what the oracle labelled, and measure it.

    geo train-categories --conf conf/demo.yml

Reads oracle_queries and images; registers categories@champion when the loss on held-out phrasings does not rise, and
replaces its slices of evaluations: by those phrasings, and by queries labelled by hand. A model of the same labels,
encoder and recipe is reused. Pictures that are held out from training teach nothing. Without enough labels there is no
model, and rules tell categories as before. Counts labels.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from geo_lib.config import at_least_one, setting
from geo_lib.counts import Counts
from geo_lib.embeddings.encoder import Remembering, text_model
from geo_lib.embeddings.family import Families, default_families, encoder_folders, refuse_unlike_families
from geo_lib.errors import ModelError
from geo_lib.evaluation.categories import (
    BY_HAND,
    HEAD,
    HELD_OUT,
    RULES,
    SERVED,
    Known,
    category_lines,
    category_rows,
    labelled_by_hand,
    measured_categories,
)
from geo_lib.models import CATEGORIES as MODEL
from geo_lib.models import CATEGORIES_CHAMPION, TrainingRun
from geo_lib.provenance import version_of
from geo_lib.queries.category import categories_of
from geo_lib.queries.category_labels import Label, labels_of, of_split, rows_of, texts_of, with_reasons
from geo_lib.queries.category_model import CategoryModel, category_model, told
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.spark import local_frame
from geo_lib.training.linear import (
    LEAST_GROUPS,
    TRAINER_VERSION,
    HeadRecipe,
    fitted,
    groups_per_class,
    loss_of,
)
from geo_lib.training.promotion import Promotion, promoted
from geo_lib.training.split import HeldOut
from jobs.run.job import Context, Job
from schemas.evaluations import EVALUATIONS
from schemas.images import IMAGES
from schemas.oracle_queries import ORACLE_QUERIES

TOO_FEW, OVER_MOST = "too_few_phrasings", "over_most_texts"


@dataclass(frozen=True, slots=True)
class TrainCategories:
    """The knobs of this job; conf/*.yml may set any of them."""

    families: Families = setting(default_families)
    """The encoder of the first one makes the vectors."""
    held_out: HeldOut = setting(HeldOut)
    recipe: HeadRecipe = field(default_factory=HeadRecipe)
    most_texts: int = 50_000
    """Texts that it learns from and is measured by; they and their vectors lie on the driver. The first by hash."""

    def __post_init__(self) -> None:
        at_least_one(self, "most_texts")
        refuse_unlike_families(self.families)


def run(ctx: Context, knobs: TrainCategories) -> Counts:
    queries = with_reasons(ctx.read(ORACLE_QUERIES), ctx.read(IMAGES), held_out=knobs.held_out)
    of_reason = {row["reason"]: row["count"] for row in queries.groupBy("reason").count().collect()}
    rows_in, may_teach = sum(of_reason.values()), of_reason.pop(None, 0)
    texts = texts_of(queries.where("reason is null"), most=knobs.most_texts).collect()
    said = [(text["locale"], text["query"], *counted) for text in texts for counted in text["said"]]
    labels, dropped = labels_of(said)
    dropped |= of_reason
    if over := may_teach - sum(times for *_, times in said):
        dropped[OVER_MOST] = over
    usable = sum(label.votes for label in labels)
    train_on, held_out = of_split(labels, "train"), of_split(labels, "held_out")
    phrased = groups_per_class([it.category for it in train_on], [it.phrasing for it in train_on], classes=CATEGORIES)
    if min(phrased.values()) < LEAST_GROUPS:
        have = ", ".join(f"{category} {n}" for category, n in phrased.items())
        report = f"no model: {LEAST_GROUPS} phrasings of each category are needed, there are {have}; rules go on"
        return Counts(rows_in, 0, dropped=dropped | ({TOO_FEW: usable} if usable else {}), report=report)

    encoders: Encoders = {}
    promotion = _promoted(ctx, knobs, train_on, held_out, encoders)
    files = ctx.models.resolve(CATEGORIES_CHAMPION)
    lines = [_title(promotion)]
    questions = {
        HELD_OUT: [Known(it.locale, it.text, it.category, it.phrasing) for it in held_out],
        BY_HAND: labelled_by_hand(),
    }
    rows = []
    for evaluation, known in questions.items():
        if not known:
            continue  # too few phrasings to hold any out
        answers = _answers(_model(files.path, encoders), known)
        measured = measured_categories(known, answers, seed=knobs.recipe.seed)
        versions = {SERVED: files.model_version, HEAD: files.model_version}
        rows += category_rows(evaluation, measured, versions=versions)
        title = f"{_TITLES[evaluation]}, macro accuracy over {len({k.phrasing for k in known}):,} of them"
        lines.append(category_lines(title, known, answers, measured))
    ctx.write(EVALUATIONS, local_frame(ctx.spark, rows, EVALUATIONS.schema), slices=list(questions))
    produced = {
        "trained": int(promotion.is_trained),
        "champion_moved": int(promotion.has_moved),
        "texts": len(labels),
        "held_out_texts": len(held_out),
    }
    return Counts(rows_in, usable, dropped=dropped, produced=produced, report="\n".join(lines))


_TITLES = {HELD_OUT: "phrasings that no training label used", BY_HAND: "sticker queries labelled by hand"}


Encoders = dict[str, Remembering]
"""By version: what is held out is asked of a new model, of the champion and of what serves."""


def _model(folder: str, encoders: Encoders) -> CategoryModel:
    model = category_model(folder)
    return replace(model, encoder=encoders.setdefault(model.head.encoder_version, Remembering(model.encoder)))


def _promoted(
    ctx: Context, knobs: TrainCategories, train_on: Sequence[Label], held_out: Sequence[Label], encoders: Encoders
) -> Promotion:
    name = knobs.families[0].encoder
    encoder = text_model(name)

    def train(training: TrainingRun, made: Path) -> None:
        rows = rows_of(train_on, encoder.load())
        head = fitted(
            rows, classes=CATEGORIES, encoder=name, encoder_version=encoder.model_version, recipe=knobs.recipe
        )
        head.save(made)
        training.record({"train_loss": loss_of(head, rows)}, 1)
        if (held_out_loss := loss(made)) is not None:
            training.record({"held_out_loss": held_out_loss}, 1)

    def loss(folder: Path) -> float | None:
        try:
            model = _model(str(folder), encoders)
        except ModelError:
            return None  # its encoder is another by now, so that it cannot serve: the newest wins
        return loss_of(model.head, rows_of(held_out, model.encoder)) if held_out else None

    settings = {"encoder": encoder.model_version, "recipe": asdict(knobs.recipe), "trainer": TRAINER_VERSION}
    labels = [[it.locale, it.text, it.category, it.split] for it in (*train_on, *held_out)]
    return promoted(
        ctx.models,
        MODEL,
        version_of(labels=labels, **settings),
        parameters={"train_texts": len(train_on), "held_out_texts": len(held_out), **settings},
        train=train,
        loss=lambda files: loss(Path(files.path)),
    )


def _answers(model: CategoryModel, known: Sequence[Known]) -> dict[str, list[str]]:
    """What each arm says of these queries."""
    asked = [(query.locale, query.query) for query in known]
    return {
        SERVED: [it.category for it in told(asked, lambda: model)],
        HEAD: [verdict.label for verdict in model.verdicts(asked)],
        RULES: categories_of(asked),
    }


def _title(promotion: Promotion) -> str:
    made = "trained" if promotion.is_trained else "reused"
    return (
        f"model {promotion.model.model_version} {made}, {'' if promotion.is_champion else 'not '}{CATEGORIES_CHAMPION}"
    )


JOB = Job(
    name="train_categories",
    knobs=TrainCategories,
    run=run,
    unit="labels",
    reads=(ORACLE_QUERIES, IMAGES),
    shares=(EVALUATIONS,),
    writes_models=(CATEGORIES_CHAMPION,),
    files=lambda knobs: encoder_folders(knobs.families),
    ask=(
        "select evaluation, arm, segment, metric, value, ci_low, ci_high, n from {schema}.evaluations "
        "where evaluation like 'categories%'",
    ),
)
