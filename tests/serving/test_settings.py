"""How answers are drawn, and by what they are told apart."""

from geo_lib.serving.settings import Decoding


def test_the_decoding_is_the_papers_and_every_parameter_is_in_its_version() -> None:
    paper = Decoding()
    assert (paper.temperature, paper.top_p, paper.top_k) == (0.1, 0.001, 1)
    assert (paper.repetition_penalty, paper.max_new_tokens) == (1.05, 256)
    others = [Decoding(temperature=0.2), Decoding(top_p=0.01), Decoding(top_k=2), Decoding(repetition_penalty=1.0),
              Decoding(max_new_tokens=255)]  # fmt: skip
    assert len({d.version for d in (paper, *others)}) == 6
