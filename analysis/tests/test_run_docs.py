"""The commands of the documentation are really run, and one that fails is found."""

import subprocess
import sys
from pathlib import Path

import run_docs

RUN_DOCS = Path(run_docs.__file__)
PAGE = """# A page

```sh
reprise policies > policies.txt
swift run -c release reprise policies | cmp - policies.txt
```

<!-- not run here: needs a GPU -->
```sh
exit 7
```

```python
not a command
```

```sh
test -s policies.txt && ls traces
```
"""


def call(program, page):
    return subprocess.run([sys.executable, RUN_DOCS, "--reprise", program, page], capture_output=True, text=True)


def test_blocks_are_found_with_their_line_and_reason():
    found = list(run_docs.blocks(PAGE))
    assert [(line, reason) for line, _, reason in found] == [(4, None), (10, "needs a GPU"), (18, None)]
    assert found[1][1] == "exit 7\n"


def test_blocks_run_in_one_folder_and_a_reason_is_said(program, tmp_path):
    (tmp_path / "page.md").write_text(PAGE)
    done = call(program, tmp_path / "page.md")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": ran, ") == 2 and "page.md:10: not run: needs a GPU" in done.stdout


def test_a_failing_command_is_named_with_its_output(program, tmp_path):
    (tmp_path / "page.md").write_text("```sh\nreprise replay nowhere.reprise --policy fastest | cat\necho on\n```\n")
    done = call(program, tmp_path / "page.md")
    assert done.returncode == 1
    assert "page.md:2: exit 1" in done.stdout and "nowhere.reprise" in done.stdout and "\non\n" not in done.stdout


def test_every_page_with_commands_says_why_it_leaves_any_out():
    pages = [
        path for folder in (".", "analysis", "Sources", "Tests") for path in (run_docs.CHECKOUT / folder).glob("*/*.md")
        if "```sh" in path.read_text()]  # fmt: skip
    assert len(pages) >= 3
    for path in pages:
        for line, commands, reason in run_docs.blocks(path.read_text()):
            assert commands.strip(), f"{path}:{line}"
            assert reason is None or len(reason) > 8, f"{path}:{line}"
