"""A linear head on vectors: which class, how sure, and from where on that is sure enough.

Multinomial logistic regression by scikit-learn, kept as safetensors and JSON, applied by numpy alone. Rows that are one
thing said with other words (fillings of one template) belong to one group: groups weigh alike, however often they are
filled, unless the recipe weighs rows, and what is held out to learn how sure the head may be is held out by whole
groups.
"""

import json
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from geo_lib.errors import ModelError

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

TRAINER_VERSION = 1
"""Raised when the same rows and recipe would make another head."""
LEAST_GROUPS = 2
"""Groups that every class needs: one to learn it from, one to ask about it."""
_TENSORS, _REST = "head.safetensors", "head.json"
_NEVER = -30.0
"""Score of a class that a fold has no row of."""
_LARGEST_STEP = 3.0
"""Of the natural logarithm of a temperature, to either side."""

Group = TypeVar("Group", bound=Hashable)
Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """How a head is made."""

    strength: float = 100.0
    """Inverse of the penalty on large weights; vectors have length 1."""
    folds: int = 5
    least_precision: float = 0.95
    """A class is sure from the confidence on from which this share of the rows that were held out is right."""
    rows_alike: bool = False
    """Whether rows weigh alike in a class, and not groups. For labels that err now and then: a row that got another
    label than the rest of its group would weigh as much as a whole group."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.strength <= 0:
            raise ValueError(f"strength must be above 0, not {self.strength}")
        if self.folds < LEAST_GROUPS:
            raise ValueError(f"folds must be at least {LEAST_GROUPS}, not {self.folds}")
        if not 0 < self.least_precision <= 1:
            raise ValueError(f"least_precision must lie in (0, 1], not {self.least_precision}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a head says of one row."""

    label: str
    confidence: float
    is_sure: bool


Thresholds = Mapping[str, Mapping[str, float]]


def verdicts_of(
    probabilities: Scores, classes: Sequence[str], thresholds: Thresholds, segments: Sequence[str]
) -> list[Verdict]:
    """The likeliest class of each row, and whether that is sure in its segment, whoever gave the probabilities."""
    best = probabilities.argmax(axis=1)
    verdicts = []
    for row, (place, segment) in enumerate(zip(best, segments, strict=True)):
        label, confidence = classes[place], float(probabilities[row, place])
        least = thresholds.get(segment, {}).get(label, math.inf)
        verdicts.append(Verdict(label, confidence, confidence >= least))
    return verdicts


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """Weights over the vectors of one encoder."""

    classes: tuple[str, ...]
    weights: Vectors
    """Shape (classes, dimension)."""
    bias: Vectors
    """Shape (classes,)."""
    temperature: float
    """What scores are divided by, so that of rows with confidence p a share p is right."""
    thresholds: Thresholds
    """Segment, such as a language, to class to the confidence from which it is sure. A class that is missing never is,
    and neither is anything in a segment that no training row was of."""
    encoder: str
    """Whose vectors these are, as the configuration names it."""
    encoder_version: str

    def probabilities(self, vectors: Vectors) -> Scores:
        """Shape (rows, classes); every row sums to 1."""
        return shares_of(_scores(vectors, self.weights, self.bias), self.temperature)

    def verdicts(self, vectors: Vectors, segments: Sequence[str]) -> list[Verdict]:
        """The likeliest class of each row, and whether that is sure in its segment."""
        return verdicts_of(self.probabilities(vectors), self.classes, self.thresholds, segments)

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        save_file({"weights": self.weights, "bias": self.bias}, folder / _TENSORS)
        rest = {
            "classes": self.classes,
            "temperature": self.temperature,
            "thresholds": self.thresholds,
            "encoder": self.encoder,
            "encoder_version": self.encoder_version,
        }
        (folder / _REST).write_text(json.dumps(rest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @staticmethod
    def load(folder: str | Path) -> "LinearHead":
        """The head in a folder. Raises ``ModelError`` when there is none, or one of another make."""
        from safetensors.numpy import load_file

        tensors, rest = Path(folder, _TENSORS), Path(folder, _REST)
        if not (tensors.is_file() and rest.is_file()):
            raise ModelError(f"there is no linear head in {folder}: it would be {_TENSORS} and {_REST}")
        said: dict[str, Any] = json.loads(rest.read_text(encoding="utf-8"))
        try:
            head = LinearHead(classes=tuple(said.pop("classes")), **load_file(tensors), **said)
        except (KeyError, TypeError) as wrong:
            raise ModelError(f"the linear head in {folder} is of another make: {wrong}; train it again") from wrong
        if (rows := len(head.weights)) != len(head.classes):
            raise ModelError(f"the linear head in {folder} has {rows} rows of weights for {len(head.classes)} classes")
        return head


@dataclass(frozen=True, slots=True)
class Rows:
    """What a head learns from, or is measured by."""

    vectors: Vectors
    """Shape (rows, dimension); SciPy's sparse rows do as well."""
    labels: Sequence[str]
    groups: Sequence[str]
    segments: Sequence[str]


def groups_per_class(labels: Sequence[str], groups: Sequence[str], *, classes: Sequence[str]) -> dict[str, int]:
    """How many groups each class has most rows of; ``fitted`` needs ``LEAST_GROUPS`` of every class."""
    counted = Counter(majority(labels, groups).values())
    return {name: counted[name] for name in classes}


def fitted(rows: Rows, *, classes: Sequence[str], encoder: str, encoder_version: str, recipe: HeadRecipe) -> LinearHead:
    """The head of these rows; the same rows and recipe give the same head.

    Temperature and thresholds come from rows whose group the head that scored them had not seen. Raises ``ModelError``
    when a class has most rows of less than ``LEAST_GROUPS`` groups.
    """
    counted = groups_per_class(rows.labels, rows.groups, classes=classes)
    if few := [name for name, n in counted.items() if n < LEAST_GROUPS]:
        raise ModelError(
            f"a head needs rows of every class in {LEAST_GROUPS} groups or more, and {', '.join(few)} has less; label "
            "more, or leave the class out"
        )
    targets = np.array([classes.index(label) for label in rows.labels])
    weights = _weights_by(recipe, rows)
    folds = _folds(rows.labels, rows.groups, recipe)
    unseen = np.zeros((len(targets), len(classes)))
    for fold in sorted(set(folds.tolist())):
        is_asked = folds == fold
        model = _model(rows.vectors[~is_asked], targets[~is_asked], weights[~is_asked], recipe)
        unseen[is_asked] = _scores(rows.vectors[is_asked], *_coefficients(model, len(classes)))
    temperature, thresholds = calibrated(unseen, targets, rows, classes=classes, recipe=recipe)
    coefficients, bias = _coefficients(_model(rows.vectors, targets, weights, recipe), len(classes))
    return LinearHead(
        classes=tuple(classes),
        weights=coefficients.astype(np.float32),
        bias=bias.astype(np.float32),
        temperature=temperature,
        thresholds=thresholds,
        encoder=encoder,
        encoder_version=encoder_version,
    )


def calibrated(
    scores: Scores, targets: NDArray[np.int64], rows: Rows, *, classes: Sequence[str], recipe: HeadRecipe
) -> tuple[float, dict[str, dict[str, float]]]:
    """Temperature and thresholds of whoever gave these ``scores`` (rows, classes) to rows that it had not seen.

    ``targets``: the place of each row's label in ``classes``. Of ``rows`` the vectors are not looked at.
    """
    weights = _weights_by(recipe, rows)
    temperature = _temperature(scores, targets, weights)
    probabilities = shares_of(scores, temperature)
    return temperature, _thresholds(probabilities, targets, weights, rows.segments, classes, recipe)


def loss_of(head: LinearHead, rows: Rows) -> float:
    """Mean of -ln of the probability that the head gives to what is right; classes weigh alike, and groups in them."""
    return loss_of_shares(head.probabilities(rows.vectors), rows, classes=head.classes)


def loss_of_shares(probabilities: Scores, rows: Rows, *, classes: Sequence[str]) -> float:
    """``loss_of`` of probabilities, whoever gave them."""
    targets = np.array([classes.index(label) for label in rows.labels])
    losses = -np.log(np.maximum(probabilities[np.arange(len(targets)), targets], 1e-12))
    return float(np.average(losses, weights=_weights(rows.labels, rows.groups)))


def _weights_by(recipe: HeadRecipe, rows: Rows) -> Scores:
    """Those that ``recipe`` asks for: where rows weigh alike, each is a group of its own."""
    return _weights(rows.labels, range(len(rows.labels)) if recipe.rows_alike else rows.groups)


def _weights(labels: Sequence[str], groups: Sequence[Hashable]) -> Scores:
    """A weight per row: classes weigh alike, so do groups in each of them and rows in a group; a group 1 on average."""
    of_rows = list(zip(labels, groups, strict=True))
    rows_of = Counter(of_rows)
    groups_of = Counter(label for label, _ in rows_of)
    weights: Scores = np.array([1 / (rows_of[pair] * groups_of[pair[0]]) for pair in of_rows])
    weights *= len(rows_of) / weights.sum()
    return weights


def majority(labels: Sequence[str], groups: Sequence[Group]) -> dict[Group, str]:
    """The class that each group has most rows of; of as many the first by name."""
    counted: dict[Group, Counter[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        counted.setdefault(group, Counter())[label] += 1
    return {group: min(of_it, key=lambda name: (-of_it[name], name)) for group, of_it in counted.items()}


def _folds(labels: Sequence[str], groups: Sequence[str], recipe: HeadRecipe) -> NDArray[np.int64]:
    """A fold per row. Groups stay whole, and those of each class are dealt out in turn, in an order by hash: a class of
    two groups or more is in no fold as a whole."""
    class_of = majority(labels, groups)
    dealt: dict[str, int] = {}
    for name in sorted(set(labels)):
        mine = [group for group, most in class_of.items() if most == name]
        mine.sort(key=lambda g: sha256(f"{recipe.seed}\n{g}".encode()).hexdigest())
        dealt |= {group: place % recipe.folds for place, group in enumerate(mine)}
    return np.array([dealt[group] for group in groups])


def _model(vectors: Vectors, targets: NDArray[Any], weights: Scores, recipe: HeadRecipe) -> "LogisticRegression":
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=recipe.strength, max_iter=1000)
    return model.fit(vectors.astype(np.float64), targets, sample_weight=weights)


def _coefficients(model: "LogisticRegression", classes: int) -> tuple[Scores, Scores]:
    """A row of weights and a bias per class: of two classes scikit-learn keeps the second's alone, and of one that no
    row was of none at all."""
    there = model.classes_[1:] if len(model.coef_) == 1 else model.classes_
    weights, bias = np.zeros((classes, model.coef_.shape[1])), np.full(classes, _NEVER)
    bias[model.classes_] = 0.0
    weights[there], bias[there] = model.coef_, model.intercept_
    return weights, bias


def _scores(vectors: Vectors, coefficients: Vectors | Scores, bias: Vectors | Scores) -> Scores:
    scores: Scores = vectors.astype(np.float64) @ coefficients.T + bias
    return scores


def shares_of(scores: Scores, temperature: float = 1.0) -> Scores:
    """Probabilities of scores, (rows, classes): every row sums to 1."""
    scores = scores / temperature
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Scores = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _temperature(scores: Scores, targets: NDArray[Any], weights: Scores) -> float:
    """The temperature under which these scores lose least."""
    from scipy.optimize import minimize_scalar

    def loss(step: float) -> float:
        right = shares_of(scores, math.exp(step))[np.arange(len(targets)), targets]
        return float(np.average(-np.log(np.maximum(right, 1e-12)), weights=weights))

    best = minimize_scalar(loss, bounds=(-_LARGEST_STEP, _LARGEST_STEP), method="bounded")
    return round(math.exp(float(best.x)), 6)


def _thresholds(
    probabilities: Scores,
    targets: NDArray[Any],
    weights: Scores,
    segments: Sequence[str],
    classes: Sequence[str],
    recipe: HeadRecipe,
) -> dict[str, dict[str, float]]:
    said = probabilities.argmax(axis=1)
    confidence, is_right = probabilities.max(axis=1), said == targets
    of_rows = np.array(segments)
    thresholds: dict[str, dict[str, float]] = {}
    for segment in sorted(set(segments)):
        for place, name in enumerate(classes):
            mine = (of_rows == segment) & (said == place)
            least = _least_confidence(confidence[mine], is_right[mine], weights[mine], recipe.least_precision)
            if least is not None:
                thresholds.setdefault(segment, {})[name] = least
    return thresholds


def _least_confidence(confidence: Scores, is_right: NDArray[Any], weights: Scores, precision: float) -> float | None:
    """The least confidence from which on the weighted share that is right is at least ``precision``; null for none."""
    order = np.argsort(-confidence, kind="stable")
    confidence, is_right, weights = confidence[order], is_right[order], weights[order]
    share_right = np.cumsum(weights * is_right) / np.cumsum(weights)
    is_last_of_equals = np.append(confidence[1:] != confidence[:-1], True)[: len(confidence)]
    enough = np.flatnonzero((share_right >= precision) & is_last_of_equals)
    # rounded down, so that the row that set it is sure itself
    return None if not len(enough) else math.floor(float(confidence[enough[-1]]) * 1e6) / 1e6
