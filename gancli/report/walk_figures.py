"""The pictures of a walk: the frames of its film, its strip, and those of its page."""

from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw

from gancli.html import data_uri, thinned
from gancli.palette import INK, SOFT_INK
from gancli.pictures import cut_to, displayed, encoded, enlarged, label_font, labelled_table, png
from gancli.sampler import Samples
from gancli.walk import Walk, WalkFrame

WALK_SIDE = 256
"""Pixels of the shorter side of a film's images, at least: pixels are repeated."""
CAPTION_LINE, CAPTION_MARGIN = 18, 6
"""Pixels of a caption's lines, and around them."""
STRIP_COLUMNS = 9
"""Images of a way in the strip, its two stops among them."""
PAGE_WALK_BYTES = 14_000_000
"""Bytes of a page's pictures; in its base64 they take a third more."""
PAGE_QUALITIES = (90, 75, 60)
"""Of JPEGs, where PNGs are too large for the page; the last is taken whatever its size."""


def film_frames(walk: Walk, frames: Sequence[WalkFrame], images: Samples) -> Iterator[Image.Image]:
    """Each image, uint8 of (frames, H, W, C), above two lines that say where it is on the way."""
    font = label_font()
    # Where there are no classes, and nothing is held, one line says all.
    lines = 1 + any(walk.way_words(leg)[1] for leg in range(len(walk.legs)))
    below = lines * CAPTION_LINE + 2 * CAPTION_MARGIN
    for frame, image in zip(frames, images, strict=True):
        shown = displayed(enlarged(image, WALK_SIDE)).convert("RGB")
        whole = Image.new("RGB", (shown.width, shown.height + below), "white")
        whole.paste(shown, (0, 0))
        draw = ImageDraw.Draw(whole)
        room = shown.width - 2 * CAPTION_MARGIN
        for line, (text, colour) in enumerate(zip(walk.words(frame), (INK, SOFT_INK), strict=True)):
            top = shown.height + CAPTION_MARGIN + line * CAPTION_LINE
            draw.text((CAPTION_MARGIN, top), cut_to(text, font, room), colour, font)
        yield whole


def walk_strip(walk: Walk, frames: Sequence[WalkFrame], images: Samples) -> bytes:
    """A PNG with one row per way from stop to stop: the stops, and images between them."""
    rows = []
    for leg in range(len(walk.legs)):
        on_it = [place for place, frame in enumerate(frames) if frame.leg == leg]
        # The stop at its end is the first frame of the next way; a loop's last one, of the walk.
        ends = on_it if frames[on_it[-1]].share == 1 else [*on_it, (on_it[-1] + 1) % len(frames)]
        chosen = images[thinned(ends, STRIP_COLUMNS)]
        tiles: list[Image.Image | None] = [displayed(each) for each in enlarged(chosen)]
        rows.append(("\n".join(filter(None, walk.way_words(leg))), tiles))
    first = displayed(enlarged(images[0]))
    return png(labelled_table(rows, first.size))


def page_pictures(images: Samples, budget: int = PAGE_WALK_BYTES) -> list[str]:
    """Each image, uint8 of (N, H, W, C), as a data URI: PNGs, or JPEGs if too large."""
    pictures = [displayed(image) for image in images]
    contents = [png(picture) for picture in pictures]
    kind = "png"
    for quality in PAGE_QUALITIES:
        if sum(map(len, contents)) <= budget:
            break
        kind = "jpeg"
        contents = [encoded(each, {"format": "jpeg", "quality": quality}) for each in pictures]
    return [data_uri(content, kind) for content in contents]
