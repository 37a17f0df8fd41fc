"""``make docs-reference``, second half: pictures and tables of pages that are made from the code."""

import sys
from collections.abc import Iterator
from pathlib import Path

from docs_site.memory_picture import PICTURES, render_picture
from qwen_infra.catalog import find_gpu, find_model
from qwen_infra.sizing import FitRequest, fit_model

__all__ = ["ONE_GPU_PAGE", "one_gpu_table", "with_table", "write_all"]

ONE_GPU_PAGE = "docs/choose-a-model.md"
_BEGIN, _END = "<!-- one-gpu: begin, made by `make docs-reference` -->\n", "<!-- one-gpu: end -->"
_GPUS = ("L40S", "H100", "H200", "B200", "GB200", "MI300X")
_MODELS = ("9B", "27B", "35B-A3B", "122B-A10B", "397B-A17B")
_PRECISIONS = ("bf16", "fp8", "gptq-int4", "nvfp4")


def one_gpu_table() -> str:
    """Full-length requests at once on one GPU, for every checkpoint; a dash where it does not start."""
    head = f"| checkpoint | {' | '.join(_GPUS)} |\n|---|{'---|' * len(_GPUS)}\n"
    return "\n" + head + "".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    for name in _MODELS:
        model = find_model(f"Qwen3.5-{name}")
        for precision in (item for item in _PRECISIONS if item in model.precisions):
            cells = [_cell(FitRequest(model, precision, find_gpu(gpu))) for gpu in _GPUS]
            if any(cell != "-" for cell in cells):
                yield f"| {name} {precision} | {' | '.join(cells)} |\n"


def _cell(request: FitRequest) -> str:
    if request.precision == "nvfp4" and request.gpu.name not in {"B200", "GB200"}:
        return "-"
    fit = fit_model(request)
    return f"{fit.max_concurrency:.1f}" if fit.fits else "-"


def with_table(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(_BEGIN)
    return before + _BEGIN + one_gpu_table() + _END + rest.partition(_END)[2]


def write_all(root: Path) -> None:
    """Write the pictures and the table."""
    for name, palette in PICTURES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(render_picture(root, palette), "utf-8")
    page = root / ONE_GPU_PAGE
    page.write_text(with_table(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    write_all(Path.cwd())
    print("wrote pictures and tables of the documents", file=sys.stderr)
