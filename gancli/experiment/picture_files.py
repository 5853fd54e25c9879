"""Tables of pictures as PNG files: all of a drawing's, below one another, at its last step."""

from PIL import Image, ImageDraw

from gancli.experiment.drawings import DrawnPanel, DrawnTable, PicturePlace, Shots
from gancli.experiment.picture_store import PictureStore
from gancli.palette import ALARM_INK, INK
from gancli.pictures import cut_to, label_font, labelled_table, png

TITLE_HEIGHT = 26
"""Pixels of a line with a table's title."""
MARK_HEIGHT = 18
"""Pixels of the strip below a picture that says what became of its cell."""
SHEET_SIDE = 16_000
"""Pixels; beyond it, a sheet is made smaller by a whole number."""


def table_png(table: DrawnTable, store: PictureStore) -> bytes:
    """A drawing's tables, of the first seed, each at the last step of its slider."""
    sheets = [_sheet(panel, store) for panel in table.panels]
    titles = [_title(panel) for panel in table.panels]
    heights = [
        sheet.height + (TITLE_HEIGHT if title else 0)
        for sheet, title in zip(sheets, titles, strict=True)
    ]
    width = max((sheet.width for sheet in sheets), default=1)
    whole = Image.new("RGB", (width, max(1, sum(heights))), "white")
    draw, font, top = ImageDraw.Draw(whole), label_font(14), 0
    for sheet, title, height in zip(sheets, titles, heights, strict=True):
        if title:
            shown = cut_to(title, font, width - 16)
            draw.text((8, top + TITLE_HEIGHT / 2), shown, INK, font, anchor="lm")
        whole.paste(sheet, (0, top + height - sheet.height))
        top += height
    times = -(-max(whole.size) // SHEET_SIDE)
    return png(whole.reduce(times) if times > 1 else whole)


def _title(panel: DrawnPanel) -> str:
    return ", ".join(filter(None, [panel.title, panel.stops[-1]]))


def _sheet(panel: DrawnPanel, store: PictureStore) -> Image.Image:
    headings = panel.headings or _headings_of_rows(panel)
    placed = []
    for label, places in panel.rows:
        own = {place.heading: place for place in places if place is not None}
        row = places if panel.headings else [own.get(heading) for heading in headings]
        placed.append((label, [_shots(place, panel) for place in row]))
    strip = MARK_HEIGHT if any(each and each.mark for _, row in placed for each in row) else 0
    rows = [(label, [_picture(each, strip, store) for each in row]) for label, row in placed]
    sizes = [image.size for _, row in rows for image in row if image is not None]
    size = (max((w for w, _ in sizes), default=1), max((h for _, h in sizes), default=1))
    return labelled_table(rows, size, headings if any(headings) else ())


def _headings_of_rows(panel: DrawnPanel) -> list[str]:
    """What the places of any row are of: steps in their order, or classes in theirs."""
    found = dict.fromkeys(p.heading for _, row in panel.rows for p in row if p is not None)
    numbers = {heading: "".join(filter(str.isdecimal, heading)) for heading in found}
    if all(heading.startswith("step ") for heading in found):
        return sorted(found, key=lambda heading: int(numbers[heading]))
    return list(found)


def _shots(place: PicturePlace | None, panel: DrawnPanel) -> Shots | None:
    return place.shots.get(panel.seeds[0]) if place and panel.seeds else None


def _picture(shots: Shots | None, strip: int, store: PictureStore) -> Image.Image | None:
    """A place's picture, and below it a strip, of this height in pixels, with the cell's fate."""
    if shots is None or (shots.keys[-1] is None and not shots.mark):
        return None
    key = shots.keys[-1]
    image = Image.new("RGB", (120, 120), "white") if key is None else store.images[key]
    whole = Image.new("RGB", (image.width, image.height + strip), "white")
    whole.paste(image)
    font = label_font()
    shown = cut_to(shots.mark, font, image.width - 4)
    middle = (image.width / 2, image.height + strip / 2)
    ImageDraw.Draw(whole).text(middle, shown, ALARM_INK, font, anchor="mm")
    return whole
