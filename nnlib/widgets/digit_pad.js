// A pad to draw a digit on. What is on it is `value`: side x side bytes, 0 paper, 255 ink.

const INK = 28; // width of the pen in pixels: some three once the digit is 20 pixels high

function render({ model, el }) {
  const side = model.get("side");

  const label = document.createElement("div");
  label.textContent = model.get("description");
  label.style.cssText = "font-size: var(--jp-widgets-font-size, 13px)";

  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", model.get("description"));
  canvas.style.cssText = `width: ${side}px; max-width: 100%; box-sizing: content-box;
    border: 2px solid #767676; background: white; cursor: crosshair; touch-action: none;
    display: block; margin: 2px 0`;

  const clear = document.createElement("button");
  clear.textContent = "Clear";
  clear.className = "lm-Widget jupyter-widgets jupyter-button widget-button";

  el.append(label, canvas, clear);

  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.lineCap = pen.lineJoin = "round";
  pen.lineWidth = INK;

  function wipe() {
    pen.fillStyle = "white";
    pen.fillRect(0, 0, side, side);
  }

  // -- to and from the kernel

  let sent = null; // the value that this view itself has set
  let frame = null; // at most one message for each frame of the screen

  function send() {
    frame = null;
    const { data } = pen.getImageData(0, 0, side, side);
    const ink = new Uint8Array(side * side);
    for (let i = 0; i < ink.length; i++) ink[i] = 255 - data[4 * i];
    sent = new DataView(ink.buffer);
    model.set("value", sent);
    model.save_changes();
  }

  function sendSoon() {
    frame ??= requestAnimationFrame(send);
  }

  function show() {
    const value = model.get("value");
    if (value === sent) return;
    const ink = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    const picture = pen.createImageData(side, side);
    for (let i = 0; i < ink.length; i++) {
      picture.data.fill(255 - ink[i], 4 * i, 4 * i + 3);
      picture.data[4 * i + 3] = 255;
    }
    pen.putImageData(picture, 0, 0);
  }

  // -- drawing

  let last = null; // where the pen is while it is down

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const border = canvas.clientLeft;
    const scale = side / canvas.clientWidth;
    return [
      (event.clientX - box.left - border) * scale,
      (event.clientY - box.top - border) * scale,
    ];
  }

  function dot(event) {
    last = place(event); // a line from here to here would be none
    pen.fillStyle = "black";
    pen.beginPath();
    pen.arc(...last, INK / 2, 0, 2 * Math.PI);
    pen.fill();
  }

  function stroke(event) {
    const next = place(event);
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...next);
    pen.stroke();
    last = next;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    dot(event);
    sendSoon();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null) return;
    for (const passed of event.getCoalescedEvents?.() ?? []) stroke(passed);
    stroke(event);
    sendSoon();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      last = null;
    });
  }
  clear.addEventListener("click", () => {
    wipe();
    sendSoon();
  });

  wipe();
  show();
  model.on("change:value", show);
  return () => model.off("change:value", show);
}

export default { render };
