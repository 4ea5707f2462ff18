"""What the tests of jobs that tune the model share: training examples and their pictures in a lakehouse."""

from geo_lib.serving.processor import bounds_of, load_processor
from jobs.run.job import Context
from schemas.image_bytes import IMAGE_BYTES
from schemas.training_examples import TRAINING_EXAMPLES
from tests.builders import build
from tests.kit import PROMPT, TINY_BASE, Drawn, drawn


def teach(context: Context, count: int) -> list[Drawn]:
    """So many drawn pictures as examples, of which the first six train and the others are held out."""
    bounds = bounds_of(load_processor(str(TINY_BASE)))
    pictures = drawn(count)
    rows = [
        {
            "example_id": f"{n}",
            "signature": p.signature,
            "split": "train" if n < 6 else "held_out",
            "locale": "en",
            "prompt": PROMPT,
            "response": p.response,
            "visual_tokens": bounds.visual_tokens(p.width, p.height),
            **p.queries,
        }
        for n, p in enumerate(pictures)
    ]
    written = build(TRAINING_EXAMPLES, context.spark, *rows, text_tokens=1, response_tokens=1)
    context.tables.write(TRAINING_EXAMPLES, written)
    stored = [{"signature": p.signature, "bytes": bytearray(p.content)} for p in pictures]
    context.tables.write(IMAGE_BYTES, build(IMAGE_BYTES, context.spark, *stored, width=112, height=112))
    return pictures
