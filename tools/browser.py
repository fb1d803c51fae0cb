"""JupyterLab in a real browser: open a notebook, run it, and move its controls as a person would.

    with lab(folder) as url, chromium() as browser:
        page = opened(browser, url, "05_mlp_on_mnist.ipynb")
        run_all(page)
        assert not faults(page) + moved_controls(page)

Needs Chromium or Chrome on the search path.
"""

import json
import math
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = {"width": 1280, "height": 800}  # a projector
LAB = [
    "--no-browser",
    "--allow-root",
    "--IdentityProvider.token=",
    "--LabApp.expose_app_in_browser=True",
]
PLACES = [
    "IPYTHONDIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_RUNTIME_DIR",
]
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # all cells on the page
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false"},  # no question over it
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},  # saved when a test says so
}

# What a page keeps about its notebook: `nnlib.faults` collects the kernel's complaints.
START = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    const kernel = panel.sessionContext.session.kernel;
    window.nnlib = {panel, kernel, faults: [], heard: 0};
    kernel.anyMessage.connect((_, {msg, direction}) => {
        const {header: {msg_type}, content} = msg;
        if (direction !== "recv") return;
        if (msg_type === "comm_msg") nnlib.heard = Date.now();  // a panel draws between calls, too
        if (msg_type === "error") nnlib.faults.push(`${content.ename}: ${content.evalue}`);
        // JupyterLab asks a new kernel for its widgets before there can be any
        if (content.name === "stderr" && !content.text.startsWith("No such comm"))
            nnlib.faults.push(content.text);
    });
}"""
RUN_ALL = "async () => { await jupyterapp.commands.execute('notebook:run-all-cells'); }"
IDLE = """() => {
    const trains = [...document.querySelectorAll(".nnlib-words")]
        .some(words => words.innerText.startsWith("Training"));
    if (nnlib.kernel.status !== "idle" || trains) nnlib.idle = null;
    else nnlib.idle ??= Date.now();
    return nnlib.idle !== null && Date.now() - Math.max(nnlib.idle, nnlib.heard) > 300;
}"""
FAULTS = """() => [
    ...nnlib.faults,
    ...nnlib.panel.content.widgets.flatMap((cell, i) => (cell.model.sharedModel.outputs ?? [])
        .filter(output => output.output_type === "error")
        .map(output => `cell ${i}: ${output.ename}: ${output.evalue}`)),
    ...[...document.querySelectorAll(".nnlib-message")].map(message => message.innerText.trim())
        .filter(text => text),
]"""
# When a key was pressed last, and when pictures of the panel with this number came, in ms.
WATCH = """k => {
    const image = document.querySelectorAll(".nnlib-panel")[k].querySelector("img");
    Object.assign(nnlib, {pictures: [], pressed: 0});
    nnlib.press ??= document.addEventListener(
        "keydown", () => { nnlib.pressed = performance.now(); }, true) ?? true;
    image.onload = () => nnlib.pictures.push(performance.now());
}"""
# Two parts of a panel that lie on each other, and parts that are cut off at its side.
COLLISIONS = """() => [...document.querySelectorAll(".nnlib-panel")].flatMap(panel => {
    const side = panel.closest(".jp-OutputArea-output").getBoundingClientRect();
    const parts = [...panel.querySelectorAll(
        "canvas, img, select, button, textarea, input, .noUi-target, .widget-label, " +
        ".widget-readout, .nnlib-words > *, .nnlib-message > *, .nnlib-card > *"
    )].map(part => [part, part.getBoundingClientRect()])
        .filter(([part, box]) => box.width > 0 && box.height > 0);
    const name = part => (part.closest("[class*=nnlib]:not(.nnlib-panel)") ?? part).className
        + ` ${part.tagName} ${part.innerText ?? ""}`.slice(0, 40);
    const found = parts.filter(([_, box]) => box.right > side.right + 1 || box.left < side.left - 1)
        .map(([part, box]) => `${name(part)} ends at ${box.right} of ${side.right}`);
    parts.forEach(([a, one], i) => parts.slice(i + 1).forEach(([b, other]) => {
        const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (width > 2 && height > 2 && !a.contains(b) && !b.contains(a))
            found.push(`${name(a)} and ${name(b)} share ${width} x ${height}`);
    }));
    return found;
})"""
NAME = """element => {
    const widget = element.closest(".widget-inline-hbox, .widget-play, button") ?? element;
    const label = widget.querySelector(".widget-label");
    return (label ?? widget).innerText || widget.title || widget.className;
}"""


# -- the server and the browser ----------------------------------------------------------------


def executable():
    """The path of Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def lab(folder):
    """A JupyterLab server on a folder, without the user's settings; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyterlab", *LAB, f"--ServerApp.port={port}", str(folder)]
    with tempfile.TemporaryDirectory() as settings, open(Path(settings, "log"), "w+") as log:
        env = os.environ | dict.fromkeys(PLACES, settings)
        write_settings(Path(settings))
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            wait_for(server, url, log)
            yield url
        finally:
            server.terminate()
            server.wait()


def free_port():
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_settings(folder):
    """What a user would set in JupyterLab's settings editor."""
    for name, values in SETTINGS.items():
        file = folder / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))


def wait_for(server, url, log):
    """Return once the server answers; raise with its log when it ends or stays silent."""
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/api", timeout=10).close()
            return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None:
                break
            time.sleep(0.2)
    log.seek(0)
    raise RuntimeError("JupyterLab did not start:\n" + log.read())


@contextmanager
def chromium():
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=QUIET)
        yield browser
        browser.close()


# -- one notebook ------------------------------------------------------------------------------


def opened(browser, url, name, *, view="doc", size=SIZE):
    """A page with the notebook open and its kernel ready.

    view   "lab", with the list of files beside it, as `make lab` opens; "doc", by itself.
    size   of the page in CSS pixels: half of a screen's is what 200 % of zoom leaves.
    """
    page = browser.new_page(viewport=size)
    page.set_default_timeout(600_000)  # ends what hangs; a busy machine is not a fault
    page.goto(f"{url}/{view}/tree/{name}")
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext")
    page.evaluate(START)
    return page


def run_all(page):
    """Run every cell and wait until the kernel has nothing left to do."""
    page.evaluate(RUN_ALL)
    settle(page)


def settle(page):
    """Wait until the kernel has been idle for a moment and no panel trains on between calls."""
    page.evaluate("() => { nnlib.idle = null; }")
    page.wait_for_function(IDLE, polling=50)


def faults(page):
    """Errors of cells and of callbacks, warnings, and what the panels say in their error lines."""
    return page.evaluate(FAULTS)


def collisions(page):
    """Parts of panels that lie on each other or are cut off, as the page now is."""
    return page.evaluate(COLLISIONS)


def close(page):
    """End the notebook's kernel and leave the page."""
    page.evaluate("() => nnlib.panel.sessionContext.shutdown()")
    page.close()


def moved_controls(page):
    """Move each control of each panel to both ends; the faults, each with what was done."""
    found = []
    for name, control, action in actions(page):
        if not (control.is_visible() and control.is_enabled()):  # as another one has made it
            continue
        action()
        settle(page)
        if new := faults(page):
            found.append(f"{name}: {new}")
            page.evaluate("() => { nnlib.faults = []; }")
    return found


def actions(page):
    """(name, control, function) for each thing that can be done with the controls on the page."""
    outputs = page.locator(".jp-Notebook .jp-OutputArea")
    for handle in outputs.locator(".noUi-handle").all():
        for key in ("End", "Home"):
            yield f"{handle.evaluate(NAME)} to {key}", handle, lambda h=handle, k=key: h.press(k)
    for menu in outputs.locator("select").all():
        for i in range(menu.locator("option").count()):
            choose = lambda m=menu, i=i: m.select_option(index=i)
            yield f"{menu.evaluate(NAME)} option {i}", menu, choose
    for box in outputs.locator("input[type=checkbox]").all():
        for _ in range(2):
            yield f"{box.evaluate(NAME)} clicked", box, box.click
    for play in outputs.locator(".widget-play").all():
        yield "play and pause", play, lambda p=play: play_a_while(p)
    for button in outputs.locator(".jupyter-button:not(.widget-play *)").all():
        yield f"{button.evaluate(NAME)} pressed", button, button.click


def play_a_while(play):
    """Press play, let it play for a second, press pause."""
    play.locator("button").first.click()
    play.page.wait_for_timeout(1000)
    play.locator("button").first.click()


# -- how fast it is ----------------------------------------------------------------------------


def key_to_picture(page, k, handle):
    """Milliseconds from a key on a slider of the panel with this number to its picture: median."""
    page.evaluate(WATCH, k)
    now, last = (handle.get_attribute(f"aria-value{which}") for which in ("now", "max"))
    back_and_forth = ("ArrowLeft", "ArrowRight") if now == last else ("ArrowRight", "ArrowLeft")
    times = []
    for key in back_and_forth * 5:
        page.evaluate("() => { nnlib.pictures = []; }")
        handle.press(key)
        page.wait_for_function("() => nnlib.pictures.length > 0", polling=5)
        times.append(page.evaluate("() => nnlib.pictures[0] - nnlib.pressed"))
        page.wait_for_timeout(300)
    return statistics.median(times)


def pictures_while_dragging(page, k, handle, *, seconds=3.0, reach=60):
    """How many pictures a second the panel with this number shows while a slider is dragged."""
    page.evaluate(WATCH, k)
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        page.mouse.move(x + reach * math.sin(7 * passed), y)
        page.wait_for_timeout(16)
    shown = page.evaluate("() => nnlib.pictures.length")
    page.mouse.up()
    return shown / seconds


# -- pictures of it ----------------------------------------------------------------------------


def photograph(page, folder):
    """Write a PNG of each cell (c000.png ...) and of each screenful (page_00.png ...)."""
    folder.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size(SIZE | {"height": 3 * SIZE["height"]})  # room for a tall cell
    page.wait_for_timeout(1000)  # formulas and pictures take their places
    for i, cell in enumerate(page.locator(".jp-Notebook .jp-Cell").all()):
        cell.screenshot(path=folder / f"c{i:03d}.png")
    page.set_viewport_size(SIZE)
    scroller = page.locator(".jp-Notebook.jp-WindowedPanel-outer, .jp-WindowedPanel-outer").first
    height = scroller.evaluate("element => element.scrollHeight")
    step = scroller.evaluate("element => element.clientHeight") - 40
    for i, top in enumerate(range(0, height, step)):
        scroller.evaluate("(element, top) => { element.scrollTop = top; }", top)
        page.wait_for_timeout(200)
        page.screenshot(path=folder / f"page_{i:02d}.png")
