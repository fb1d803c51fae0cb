"""What a stored notebook must be, as functions that return a list of complaints.

A notebook passes when `complaints(path)` is empty. Lines of code are those that are not blank. Of
the text, a formula in a line counts as one word; displayed formulas and tables do not count, for
they are looked at, not read out.
"""

import ast
import builtins
import re
import statistics
import symtable
import sys
from pathlib import Path

import nbformat

from tools import lessons

TAGS = {"nbval-ignore-output", "exercise", "long"}  # long: tools.portable leaves it out
LECTURE = {"ask": str, "expect": str, "minutes": (int, float), "misconception": str}
LECTURE_RARE = {"break", "script"}  # the minutes of a break behind it; a show that it can be
HOUR, LESS = 60, 20  # a longer lesson has a break, and can be shortened by so many minutes
LECTURE_MORE = {"board": str, "cut": str, "jump": str}  # in a lesson that has one of them: in each
METADATA = {"kernelspec": {"display_name", "language", "name"}, "language_info": {"name"}}
IN_A_LINE, AT_MOST, PLOT_CELL, WORDS = 12, 25, 5, 90
RATIO = (0.6, 1.7)  # text cells for each code cell
LARGEST = 1_000_000  # bytes

COLLECTIONS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
VALUES = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.JoinedStr, *COLLECTIONS)

TELLTALE = {
    "a duration": r"\d\s?([mµn]s|seconds?|secs?|minutes?|mins?|it/s|s/it)\b|\d\.\d+ ?s\b",
    "a time": r"\b\d+:\d\d:\d\d\b",
    "an absolute path": r"(?<![\w.:/<])/(home|root|tmp|work|usr|Users|opt|var|mnt)/|\b[A-Z]:\\\w",
    "a memory address": r"\b0x[0-9a-fA-F]{6,}",
}


def complaints(path):
    """Everything that is wrong with the notebook in a file."""
    notebook = lessons.read_notebook(path)
    found = [line for check in CHECKS for line in check(notebook)]
    if path.stat().st_size >= LARGEST:
        found.append(f"the file has {path.stat().st_size / 1e6:.1f} MB; it must stay below 1 MB")
    return found


def drift(notebook, lesson_path):
    """What differs between a notebook and its lesson."""
    lesson = lessons.read_lesson(lesson_path)
    if lessons.script(lesson) != lesson_path.read_text(encoding="utf-8"):
        return [f"{lesson_path.name} is not formatted as a build leaves it: `make notebooks`"]
    if lessons.cells(lesson) != lessons.cells(notebook):
        return [f"the notebook's cells are not those of {lesson_path.name}: `make notebooks`"]
    if notebook.metadata.get("lesson") != lessons.fingerprint(notebook):
        return ["the notebook's fingerprint is not that of its cells: `make notebooks`"]
    return []


# -- how it is stored --------------------------------------------------------------------------


def check_format(notebook):
    """A valid notebook with ids c000, c001, ... and no metadata but what was written by hand."""
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {error.message}"
    if [cell.get("id") for cell in notebook.cells] != [
        f"c{i:03d}" for i in range(len(notebook.cells))
    ]:
        yield "the cell ids are not c000, c001, ..."
    metadata = {key: set(value) for key, value in notebook.metadata.items() if key != "lesson"}
    if metadata != METADATA:
        yield f"the notebook's metadata holds {metadata}; kernel and language name are enough"
    for cell in notebook.cells:
        if extra := set(cell.metadata) - set(lessons.KEPT):
            yield f"{cell.id}: metadata {sorted(extra)}"
        if cell.cell_type not in ("code", "markdown"):
            yield f"{cell.id}: a {cell.cell_type} cell"
        if "attachments" in cell:
            yield f"{cell.id}: a picture is attached"


def check_counts(notebook):
    """Code cells run once each, from top to bottom: nbval compares only cells with a count."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"the execution counts are {counts}, not 1..{len(counts)}"


def check_outputs(notebook):
    """Outputs are stored where something prints; no errors, nothing that changes with the run."""
    for cell in code_cells(notebook):
        if prints(cell) and not cell.outputs:
            yield f"{cell.id}: prints, but no output is stored"
        for output in cell.outputs:
            yield from (f"{cell.id}: {what}" for what in output_faults(output))


def output_faults(output):
    """What is wrong with one output."""
    if output.output_type == "error":
        yield f"an error is stored: {output.ename}"
    if output.get("name") == "stderr":
        yield "a warning is stored"
    data = output.get("data", {})
    for mime in data:
        if mime.startswith("image/") and mime != "image/png":
            yield f"a picture is {mime}; nbval would compare it: use PNG"
        if "widget" in mime:
            yield "a widget is stored without its picture: give it an image/png"
    texts = [output.get("text", ""), *(data[mime] for mime in data if mime.startswith("text/"))]
    for text in map("".join, texts):
        if ";base64," in text:
            yield "a picture inside HTML; nbval would compare it: use PNG"
        for name, pattern in TELLTALE.items():
            if match := re.search(pattern, text):
                yield f"{name} is printed: {match[0]!r}"


# -- how it reads ------------------------------------------------------------------------------


def check_code(notebook):
    """Plain Python without type hints, and no cell that nbval would pass over."""
    for cell in code_cells(notebook):
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            yield f"{cell.id}: not plain Python: {error.msg}"
            continue
        if not tree.body:
            yield f"{cell.id}: a code cell without code"
        if any(map(is_hint, ast.walk(tree))):
            yield f"{cell.id}: type hints; notebooks have none"
        if re.search(r";\s*$", cell.source, re.MULTILINE):
            yield f"{cell.id}: a line ends in ';', which hides nothing from nbval"
        if re.search(r"#\s*(NBVAL|PYTEST)_", cell.source):
            yield f"{cell.id}: a comment that steers nbval; use a tag"
        if unknown := set(cell.metadata.get("tags", [])) - TAGS:
            yield f"{cell.id}: tags {sorted(unknown)}; only {sorted(TAGS)} mean something"


def check_ignored(notebook):
    """At most one code cell in four may be exempt from comparison."""
    cells = code_cells(notebook)
    ignored = sum(map(is_ignored, cells))
    if 4 * ignored > len(cells):
        yield f"{ignored} of {len(cells)} code cells are not compared; at most one in four"


def check_lengths(notebook):
    """Code: median 5 lines, nine in ten up to 12, none over 25, plots up to 5. Text: 90 words."""
    cells = code_cells(notebook)
    lengths = sorted(map(lines, cells))
    if not lengths:
        yield "no code"
        return
    if (median := statistics.median(lengths)) > 5:
        yield f"the median code cell has {median:g} lines; at most 5"
    if 10 * sum(n > IN_A_LINE for n in lengths) > len(lengths):
        yield f"more than one code cell in ten is over {IN_A_LINE} lines: {lengths}"
    for cell in cells:
        if lines(cell) > AT_MOST:
            yield f"{cell.id}: {lines(cell)} lines of code; at most {AT_MOST}"
        if cell is not cells[0] and draws(cell) and lines(cell) > PLOT_CELL:
            yield f"{cell.id}: a plot cell of {lines(cell)} lines; at most {PLOT_CELL}"
    for cell in text_cells(notebook):
        if (count := words(cell.source)) > WORDS:
            yield f"{cell.id}: {count} words of text; at most {WORDS}"
    ratio = len(text_cells(notebook)) / len(cells)
    if not RATIO[0] <= ratio <= RATIO[1]:
        yield f"{ratio:.2f} text cells for each code cell; about one, {RATIO[0]} to {RATIO[1]}"


def check_rhythm(notebook):
    """At most one cell a minute, all cells counted."""
    said = said_minutes(notebook)
    if said and len(notebook.cells) > said:
        yield f"{len(notebook.cells)} cells in {said} minutes; at most one a minute"


def check_frame(notebook):
    """First title, objectives, prerequisites and minutes; last what to remember and a link."""
    first, last = notebook.cells[0], notebook.cells[-1]
    if not first.source.startswith("# "):
        yield "the first cell does not begin with the title: '# ...'"
    for word in ("objectives", "prerequisites", "minutes"):
        if word not in opening(notebook).lower():
            yield f"the opening does not say its {word}"
    if last.cell_type != "markdown" or "remember" not in last.source.lower():
        yield "the last cell does not say what to remember"
    if not links(last.source):
        yield "the last cell links to no other lesson"
    for cell in text_cells(notebook):
        for name in links(cell.source):
            if not lessons.lesson_of(Path(name)).exists():
                yield f"{cell.id}: links to {name}, which is no lesson"


def check_alone(notebook):
    """Each section can be jumped to: what it reads is made in it, before, or in the setup cell."""
    setup = code_cells(notebook)[:1]
    for heading, codes in sections(notebook):
        made = set(dir(builtins)).union(*(names(cell)[0] for cell in setup))
        for cell in codes:
            own, read = names(cell)
            made |= own
            if missing := sorted(read - made):
                title = heading.source.splitlines()[0].lstrip("# ")
                yield f"{cell.id}: reads {missing}, made before the section {title!r}"


def check_meanings(notebook):
    """No name is a function in one section, and a number, a text or a collection in another.

    What a call returns is not looked at, for it may be either.
    """
    functions, values = {}, {}
    for heading, codes in [(None, code_cells(notebook)[:1]), *sections(notebook)]:
        title = heading.source.splitlines()[0].lstrip("# ") if heading else "the setup cell"
        for name, is_function in (found for cell in codes for found in made_as(cell)):
            (functions if is_function else values).setdefault(name, set()).add(title)
    for name in sorted(functions.keys() & values):
        one, other = sorted(functions[name]), sorted(values[name])
        if one != other or len(one) > 1:
            yield f"{name} is a function in {one} and a value in {other}"


def check_sections(notebook):
    """Each section has its notes for the lecturer, and its code shows something."""
    notes = [cell.metadata.get("lecture", {}) for cell, _ in sections(notebook)]
    more = LECTURE_MORE if any(set(LECTURE_MORE) & set(lecture) for lecture in notes) else {}
    minutes = sum(lecture.get("minutes", 0) for lecture in notes)
    if more and minutes != (said := said_minutes(notebook)):
        yield f"the sections have {minutes} minutes, the opening says {said}"
    if more and minutes > HOUR:
        if sum("break" in lecture for lecture in notes) != 1:
            yield f"a lesson of {minutes} minutes has one break"
        if (saved := sum(cut_of(lecture)[0] for lecture in notes)) < LESS:
            yield f"what can be cut saves {saved} minutes; {LESS} are due"
    for cell, codes in sections(notebook):
        if cell is not notebook.cells[-1]:
            yield from (f"{cell.id}: {fault}" for fault in lecture_faults(cell, LECTURE | more))
        if codes and not any(code.outputs or "assert" in code.source for code in codes):
            yield f"{cell.id}: the section's code neither shows nor asserts anything"


def lecture_faults(cell, due):
    """What is wrong with a heading's notes for the lecturer, which are due in these kinds."""
    lecture = cell.metadata.get("lecture", {})
    for key, kind in due.items():
        if not isinstance(lecture.get(key), kind) or not lecture[key]:
            yield f"the heading's lecture metadata has no {key}"
    if "cut" in due and not re.match(r"\d+ \S", str(lecture.get("cut", ""))):
        yield "the heading's lecture metadata has no cut with its minutes, such as '3 the proof'"
    if extra := set(lecture) - set(due) - LECTURE_RARE:
        yield f"the heading's lecture metadata has {sorted(extra)}"


CHECKS = [
    check_format,
    check_counts,
    check_outputs,
    check_code,
    check_ignored,
    check_lengths,
    check_rhythm,
    check_frame,
    check_alone,
    check_meanings,
    check_sections,
]


# -- parts of a notebook -----------------------------------------------------------------------


def code_cells(notebook):
    """The code cells; the first is the setup."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_cells(notebook):
    """The markdown cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def is_ignored(cell):
    """Whether nbval runs the cell without comparing what it shows."""
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


def sections(notebook):
    """(heading cell, code cells up to the next heading) of each section."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.match(r"###? ", cell.source):
            found.append((cell, []))
        elif cell.cell_type == "code" and found:
            found[-1][1].append(cell)
    return found


def cut_of(lecture):
    """What can be left out of a section and the minutes that this saves, from "3 the proof"."""
    minutes, _, what = lecture.get("cut", "").partition(" ")
    return (int(minutes), what) if minutes.isdigit() else (0, "")


def lines(cell):
    """The number of lines that are not blank."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def words(text):
    """The number of words, formulas and tables counted as the module says."""
    text = re.sub(r"\$\$.*?\$\$", " ", text, flags=re.DOTALL)
    text = re.sub(r"\$[^$]+\$", "formula", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"^\s*\|.*$|<[^>]+>", " ", text, flags=re.MULTILINE)
    return len(re.findall(r"\w[\w'’.-]*", text))


def opening(notebook):
    """The text before the first code and the first section."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code" or cell.source.startswith("##"):
            break
        found.append(cell.source)
    return " ".join(found)


def said_minutes(notebook):
    """The minutes that the opening says the lesson takes; None when it says no number."""
    found = re.search(r"minutes\W*(\d+)", opening(notebook), re.IGNORECASE)
    return found and int(found[1])


def links(text):
    """The notebooks that a text links to."""
    return re.findall(r"\]\((\d\d_\w+\.ipynb)(?:#[^)]*)?\)", text)


def calls(tree):
    """The functions called, as written, without those called inside functions defined here."""
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Call):
            found.append(ast.unparse(node.func))
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(node))
    return found


def called(cell):
    """The functions that a cell calls; none when it is not plain Python."""
    try:
        return calls(ast.parse(cell.source))
    except SyntaxError:
        return []


def names(cell):
    """The names that a cell makes, and those that it reads; none when it is not plain Python."""
    try:
        table = symtable.symtable(cell.source, cell.id, "exec")
    except SyntaxError:
        return set(), set()
    made = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    read = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    inner = table.get_children()
    while inner:
        scope = inner.pop()
        read |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
        inner += scope.get_children()
    return made, read


def made_as(cell):
    """(name, whether it is a function) for the names that a cell makes, where it can be seen."""
    try:
        nodes = ast.parse(cell.source).body
    except SyntaxError:
        return
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            yield node.name, True
        elif isinstance(node, ast.Assign):
            for target, value in zip(parts(node.targets[0]), parts(node.value)):
                if isinstance(target, ast.Name) and isinstance(value, (ast.Lambda, *VALUES)):
                    yield target.id, isinstance(value, ast.Lambda)


def parts(node):
    """What a tuple that is written out holds, or the one thing itself."""
    return node.elts if isinstance(node, ast.Tuple) else [node]


def prints(cell):
    """Whether running the cell prints for sure."""
    return "print" in called(cell)


def draws(cell):
    """Whether the cell makes a picture."""
    return any(name.startswith(("draw_", "plt.")) for name in called(cell))


def is_hint(node):
    """Whether a node of the syntax tree is a type hint."""
    hints = ("annotation", "returns")
    return any(getattr(node, hint, None) is not None for hint in hints)


def main(paths):
    """Print the complaints about the notebooks; the exit code says whether there are any."""
    notebooks = [Path(path) for path in paths] or sorted(lessons.NOTEBOOKS.glob("*.ipynb"))
    found = [f"{path.name}: {line}" for path in notebooks for line in complaints(path)]
    print("\n".join(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
