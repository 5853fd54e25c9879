"""Sets of images that users must download themselves: their folders, and where they come from."""

FFHQ_FOLDERS = ("images1024x1024", "thumbnails128x128", "ffhq")
_FFHQ = (
    "get images1024x1024 or thumbnails128x128 from github.com/NVlabs/ffhq-dataset, and put that "
    "folder there, or name it with --dataset"
)
_ANIME_FOLDERS = ("animeface-character-dataset/thumb", "animefaces")
_ANIME = (
    "get the AnimeFace Character Dataset from www.nurs.or.jp/~nagadomi/animeface-character-dataset "
    "and unpack it there, or name its folder thumb with --dataset"
)
_SOURCES = dict.fromkeys(FFHQ_FOLDERS, _FFHQ) | dict.fromkeys(_ANIME_FOLDERS, _ANIME)


def where_from(path: str) -> str:
    """What to do where nothing is at a path within the data folder, as the end of a sentence."""
    known = (said for folder, said in _SOURCES.items() if folder in path.split(" | "))
    return next(known, "put the images there, or name their folder with --dataset")
