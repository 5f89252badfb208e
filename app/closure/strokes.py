"""A signature as the lines of a pen: bounded, and drawn here, so that it is kept as a picture like any other."""

from io import BytesIO
from typing import Annotated, Self

from PIL import Image, ImageDraw
from pydantic import Field, model_validator

from app.kit.canonical import canonical_json, canonical_sha256
from app.kit.schemas import In

MOST_BYTES, MOST_STROKES, MOST_POINTS = 65_536, 200, 5_000
#: The longer side of the picture, and the pen, in its pixels.
EDGE_PX, PEN_PX, PAPER, INK = 800, 3, 255, 0

Side = Annotated[int, Field(ge=1, le=10_000)]
Place = Annotated[float, Field(ge=-10_000, le=20_000, allow_inf_nan=False)]
Point = Annotated[list[Place], Field(min_length=2, max_length=2)]
Stroke = Annotated[list[Point], Field(min_length=1, max_length=MOST_POINTS)]


class Strokes(In):
    """The lines of a signature on a field of `width` by `height`, each a list of points [x, y] from its upper left.

    200 strokes and 5,000 points at most, 64 KB as canonical JSON. What lies outside the field is cut off.
    """

    width: Side
    height: Side
    strokes: Annotated[list[Stroke], Field(min_length=1, max_length=MOST_STROKES)]

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        if sum(len(stroke) for stroke in self.strokes) > MOST_POINTS:
            raise ValueError(f"has more than {MOST_POINTS} points")
        if len(canonical_json(self.model_dump())) > MOST_BYTES:
            raise ValueError(f"has more than {MOST_BYTES} bytes as canonical JSON")
        return self

    @property
    def sha256(self) -> str:
        """Of the canonical JSON, in hex: the same lines are the same signature."""
        return canonical_sha256(self.model_dump())


def drawn(strokes: Strokes) -> tuple[bytes, tuple[int, int]]:
    """The signature in black on white, as PNG, and its size in pixels."""
    scale = EDGE_PX / max(strokes.width, strokes.height)
    size = max(1, round(strokes.width * scale)), max(1, round(strokes.height * scale))
    picture = Image.new("L", size, PAPER)
    pen = ImageDraw.Draw(picture)
    for stroke in strokes.strokes:
        points = [(x * scale, y * scale) for x, y in stroke]
        if len(points) > 1:
            pen.line(points, fill=INK, width=PEN_PX, joint="curve")
        else:
            pen.circle(points[0], PEN_PX, fill=INK)
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue(), size
