"""The page of a GPU: what is condensed, and that parts of another GPU's run never get into it."""

import tarfile
from types import SimpleNamespace

import gpu_page
import pytest

PAGE = """# Replays on an NVIDIA H200

## Kernels against float64 (from an earlier run of the check)

```
old
```

## What can go wrong

```
stays
```
"""


def check(folder, gpu):
    """What device-check.sh leaves where it ran the self-test alone."""
    folder.joinpath("log.txt").write_text(f"name, driver\n{gpu}, 580.1, 1980 MHz\n\n== selftest (1 s)\n\n-- selftest\nnew\nall parts: 2 s\n")
    with tarfile.open(folder / "results.tar.gz", "w:gz"):
        pass
    page = folder / "page.md"
    page.write_text(PAGE)
    return SimpleNamespace(folder=folder, into=page, date="2026-11-28", reprise=None)


def test_a_part_that_ran_again_takes_the_place_of_its_section_alone(tmp_path):
    text = gpu_page.renewed(check(tmp_path, "NVIDIA H200"))
    new = "## Kernels against float64\n\nDriver 580.1, 2026-11-28.\n\n```\n-- selftest\nnew\n```\n"
    assert text == "# Replays on an NVIDIA H200\n\n" + new + PAGE[PAGE.index("\n## What") :]


def test_a_check_of_another_gpu_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="not of an NVIDIA H100"):
        gpu_page.renewed(check(tmp_path, "NVIDIA H100"))


def test_of_ever_less_memory_the_changes_remain():
    went = [(left, f"measured, {left} MiB of GPU memory", "exit 0") for left in (900, 800, 700, 600)]
    failed = [(left, "4096 bytes needed for one copy", "exit 1") for left in (500, 400)]
    lines = [f"{left} MiB left: {line}" for left, *said in went + failed for line in said]
    assert list(gpu_page.condensed(lines)) == [*lines[:2], "…", *lines[6:]]
