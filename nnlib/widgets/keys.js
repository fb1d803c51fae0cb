// Keeps a notebook's shortcuts off the panel that this widget is part of.
//
// JupyterLab looks for this attribute on the way up from where a key was typed, and begins with
// what has the focus: there its shortcuts would match, so that has the attribute too. A key with
// Ctrl or Cmd stays the notebook's: Ctrl-S saves.

const ATTRIBUTE = "data-lm-suppress-shortcuts";

function render({ el }) {
  let panel = null;
  let frame = null;

  function find() {
    panel = el.closest(".nnlib-panel"); // which is on the page only after its parts
    if (panel) panel.setAttribute(ATTRIBUTE, "true");
    else frame = requestAnimationFrame(find);
  }

  function weigh({ target, ctrlKey, metaKey }) {
    if (!panel?.contains(target)) return;
    for (const part of [target, panel]) part.toggleAttribute(ATTRIBUTE, !ctrlKey && !metaKey);
  }

  find();
  window.addEventListener("keydown", weigh, true); // the window hears it before JupyterLab
  return () => {
    cancelAnimationFrame(frame);
    window.removeEventListener("keydown", weigh, true);
  };
}

export default { render };
