"""Decides which figures a study gets, and draws them on all processors."""

import os
from concurrent.futures import ProcessPoolExecutor

from . import beside, latency_figures, rate_figures, regret_figures, step_figures
from .style import Look, set_up

FOLDER_FIGURES = (
    latency_figures.differences, latency_figures.distributions, latency_figures.by_length,
)  # fmt: skip
PROCESSES_MAX = 4


def folder_figures(task):
    """All figures of one folder; a top-level function, so that another process can run it."""
    folder, names, prefix, raster = task
    set_up()
    look = Look(names)
    figures = [draw(folder, look, prefix, raster) for draw in FOLDER_FIGURES]
    figures += [
        step_figures.batch_map(folder, prefix, raster), regret_figures.attribution(folder, look, prefix, raster),
        step_figures.timeline(folder, prefix, raster)]
    folder.forget()
    return [figure for figure in figures if figure]


def sections(study, raster=False):
    """(heading, folder or None, figures), in the order of the page."""
    set_up()
    names = list(dict.fromkeys(policy for folder in study.folders for policy in folder.policies))
    several = len(study.folders) > 1
    tasks = [(folder, names, f"f{n + 1}-" if several else "", raster) for n, folder in enumerate(study.folders)]
    workers = min(PROCESSES_MAX, os.cpu_count() or 1, len(tasks))
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            drawn = pool.map(folder_figures, tasks)
            across = across_folders(study, Look(names), raster)
            drawn = list(drawn)
    else:
        across, drawn = across_folders(study, Look(names), raster), [folder_figures(task) for task in tasks]
    result = [("All folders", None, across)] if across else []
    for folder, figures in zip(study.folders, drawn):
        result.append((folder.label if several else "This replay", folder, figures))
    return result


def across_folders(study, look, raster):
    if study.axis:
        traces = study.traces if len(study.traces) > 1 else [None]
        figures = []
        for n, trace in enumerate(traces):
            folders = [f for f in study.folders if trace is None or f.x.get("trace") == trace]
            prefix = f"t{n + 1}-" if len(traces) > 1 else ""
            figure = rate_figures.against(folders, study.axis, look, prefix, study.published, study.labels, raster)
            figure.table = beside.table(folders, study.axis, study.labels.get("x_label") or rate_figures.AXES[study.axis], study.published)
            if trace:
                figure.title += f": {trace}"
            figures.append(figure)
        return figures
    return [rate_figures.folder_means(study.folders, look, "", raster)] if len(study.folders) > 1 else []
