"""Turn a folder of photographs into one array of small square images.

    python resize_images.py IN OUT

Stands alone: numpy, pillow and pydantic are all it needs. The work is done by
`processing.pictures.resize_folder.resize_folder`, which the pipeline's Preprocess step calls as well.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from PIL import ImageColor

from boomerang.errors import BoomerangError
from boomerang.shown import display_name, shown
from processing.pictures.padded import FILTERS, FORMATS, RGB
from processing.pictures.picture_folder import ResizeReport
from processing.pictures.resize_folder import resize_folder

__all__ = ["ResizeReport", "main", "resize_folder"]

_EPILOG = """\
OUT gets images.npy (uint8[N, size, size, 3], files in natural order), pictures/ (the same images
for the eye) and manifest.json (sources with digests and sizes, settings, refused files). It appears
whole or not at all. A file that cannot be used is named and left out.
Exit code: 0 done, 2 stopped with a reason.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    with shown():
        return _resize(options)


def _resize(options: argparse.Namespace) -> int:
    try:
        report = resize_folder(
            options.source,
            options.out,
            size_px=options.size,
            pad=options.pad,
            resample=options.filter,
            image_format=options.format,
            strict=options.strict,
            jobs=options.jobs,
            on_done=_show if sys.stderr.isatty() else None,
        )
    except BoomerangError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    print(_summary(report))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="resize_images.py",
        description="Pad and resize the pictures of a folder into one array.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="IN", type=Path, help="folder of pictures")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to make (an older output is replaced)")
    parser.add_argument("--size", type=int, default=32, metavar="PX", help="side of the images (default 32)")
    parser.add_argument(
        "--pad", type=_color, default="white", help="white (default), #rrggbb or a color's name"
    )
    parser.add_argument("--filter", choices=sorted(FILTERS), default="lanczos", help="default lanczos")
    parser.add_argument("--format", choices=FORMATS, default="png", help="of pictures/ (default png)")
    parser.add_argument("--strict", action="store_true", help="stop at the first file that cannot be used")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="files decoded at once (default: cores, at most 4)"
    )
    return parser


def _color(text: str) -> RGB:
    color: tuple[int, ...] = ()
    with suppress(ValueError):
        color = ImageColor.getrgb(text)
    if len(color) != 3:
        raise argparse.ArgumentTypeError(f"'{text}' is no color; give one like #ff8000 or white")
    return color[0], color[1], color[2]


def _show(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    # On a terminal alone, where the line is drawn over.
    stream = getattr(sys.stderr, "styled", sys.stderr)
    print(f"\r{done} of {total} files", end=end, file=stream, flush=True)


def _summary(report: ResizeReport) -> str:
    lines = [f"{len(report.names)} pictures -> {display_name(report.array)}"]
    if report.refused:
        lines.append(f"{len(report.refused)} refused:")
        lines += [f"  {item.name}: {item.reason}" for item in report.refused]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
