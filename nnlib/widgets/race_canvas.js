// The race: a map, a curve and a view that play, pause, step and scrub; a start set by a click.
//
// `tracks` holds a float32 for each runner, channel and step; `value` is the step that is shown,
// told to the kernel when the race rests; `start` is told as it moves, a new one once the last has
// been answered.

const PACE = 50; // steps a second at 1×
const REST = 150; // milliseconds until the kernel hears of a step
const PATIENCE = 500; // milliseconds until a start goes unanswered
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const HINT =
  "Map of the race. Space plays and pauses, comma and full stop step, Home and End go to both " +
  "ends, plus and minus change the speed; arrows move the start, with Shift further.";

function element(name, properties = {}, style = "") {
  const made = Object.assign(document.createElement(name), properties);
  made.style.cssText = style;
  return made;
}

function render({ model, el }) {
  const canvas = element("canvas", { tabIndex: 0 }, `width: 100%; display: block;
    touch-action: none; cursor: crosshair; box-sizing: border-box`);
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", HINT);
  const button = (text, title, width) => element("button", {
    textContent: text, title, className: "lm-Widget jupyter-widgets jupyter-button widget-button",
  }, `width: ${width}; padding: 0; font-size: 16px`);
  const back = button("−1", "one step back (comma, on the map)", "40px");
  const play = button("Play", "play or pause (space, on the map)", "72px");
  const on = button("+1", "one step on (full stop, on the map)", "40px");
  const scrub = element("input", { type: "range", min: 0, step: 1, title: "step" },
    "flex: 1 1 200px; min-width: 0");
  const told = element("output", {}, "font-size: 16px; min-width: 8.5em; text-align: right");
  const speed = element("select", { title: "speed" }, "font-size: 16px");
  speed.append(...SPEEDS.map((times) => element("option", { value: times, text: `${times}×` })));
  speed.value = 1;
  const bar = element("div", {}, "display: flex; gap: 6px; align-items: center; padding: 4px 2px");
  bar.append(back, play, on, scrub, told, speed);
  el.append(canvas, bar);
  const pen = canvas.getContext("2d");

  let at = model.get("value"); // between two steps while it plays
  let playing = false;
  let before = 0; // when the last picture was drawn
  let frame = null;
  let boxes = null;

  // -- what there is to draw

  let scene, tracks, length, ground, inset;

  function read() {
    scene = model.get("scene");
    const { buffer, byteOffset, byteLength } = model.get("tracks");
    tracks = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
    length = scene.last + 1;
    scrub.max = scene.last;
    at = Math.min(at, scene.last);
  }

  function track(runner, channel) {
    const row = runner * scene.channels.length + scene.channels.indexOf(channel);
    return tracks.subarray(row * length, (row + 1) * length);
  }

  async function picture(name) {
    const bytes = model.get(name);
    return bytes.byteLength ? createImageBitmap(new Blob([bytes], { type: "image/png" })) : null;
  }

  async function readPictures() {
    [ground, inset] = await Promise.all([picture("ground"), picture("inset")]);
    drawSoon();
  }

  // -- drawing

  function draw(now) {
    frame = null;
    if (playing) {
      const passed = Math.max(0, now - before) / 1000; // a frame may have begun before its play
      at = Math.min(at + passed * PACE * Number(speed.value), scene.last);
      if (at === scene.last) pause();
    }
    before = now;
    const width = canvas.clientWidth;
    const height = Math.round(Math.max(340, Math.min(0.52 * width, 0.55 * window.innerHeight)));
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.style.height = `${height}px`;
      [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    }
    if (width) paint(width, height, ratio);
    scrub.value = Math.floor(at);
    told.textContent = `step ${Math.floor(at)} of ${scene.last}`;
    if (playing) drawSoon();
  }

  function paint(width, height, ratio) {
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    boxes = arrange(pen, width, height, scene);
    const { size, map, curve, view } = boxes;
    drawMap(pen, size, map, scene, ground, model.get("start"), track, at);
    const { runners } = scene;
    for (const [box, plot] of [[curve, scene.curve], [view, scene.view]]) {
      if (plot.kind === "lines") drawLines(pen, size, box, plot, runners, track, at, width);
      if (plot.kind === "arrows") drawArrows(pen, size, box, plot, runners, track, at, width);
      if (plot.kind === "picture") drawPicture(pen, size, box, plot, inset, width);
      if (plot.kind === "ranking") drawRanking(pen, size, box, plot, width);
      if (plot.kind === "words") drawWords(pen, size, box, plot, width);
    }
  }

  function drawSoon() {
    frame ??= requestAnimationFrame(draw);
  }

  // -- playing

  let resting = null;

  function tell() {
    clearTimeout(resting);
    resting = setTimeout(() => {
      if (model.get("value") === Math.floor(at)) return;
      model.set("value", Math.floor(at));
      model.save_changes();
    }, REST);
  }

  function pause() {
    playing = false;
    at = Math.floor(at);
    play.textContent = "Play";
    tell();
    drawSoon();
  }

  function start() {
    if (at >= scene.last) at = 0;
    playing = true;
    before = performance.now();
    play.textContent = "Pause";
    clearTimeout(resting);
    drawSoon();
  }

  function goTo(step) {
    at = Math.max(0, Math.min(step, scene.last));
    pause();
  }

  function faster(places) {
    const index = SPEEDS.indexOf(Number(speed.value)) + places;
    speed.value = SPEEDS[Math.max(0, Math.min(index, SPEEDS.length - 1))];
  }

  back.addEventListener("click", () => goTo(Math.ceil(at) - 1));
  on.addEventListener("click", () => goTo(Math.floor(at) + 1));
  play.addEventListener("click", () => (playing ? pause() : start()));
  scrub.addEventListener("input", () => goTo(Number(scrub.value)));

  // -- the start

  let asked = null; // the timer of a start that has not been answered
  let wanted = null; // the start to ask for next

  function ask(point) {
    wanted = point.map((v) => Number(v.toPrecision(3)));
    if (asked === null) send();
    drawSoon();
  }

  function send() {
    model.set("start", wanted);
    model.save_changes();
    wanted = null;
    asked = setTimeout(answered, PATIENCE);
  }

  function answered() {
    clearTimeout(asked);
    asked = null;
    if (wanted) send();
  }

  function pointed(event) {
    const shown = canvas.getBoundingClientRect();
    const { across, up } = scene.map;
    return under(boxes.map, across, up, event.clientX - shown.left, event.clientY - shown.top);
  }

  let dragging = false;
  canvas.addEventListener("pointerdown", (event) => {
    const point = boxes && event.button === 0 && pointed(event);
    if (!point) return;
    event.preventDefault();
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
    dragging = true;
    ask(point);
  });
  canvas.addEventListener("pointermove", (event) => {
    const point = dragging && pointed(event);
    if (point) ask(point);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      dragging = false;
    });
  }

  // -- keys

  function moved(x, y, far) {
    const [here, { across, up }] = [wanted ?? model.get("start"), scene.map];
    const part = far ? 0.1 : 0.01;
    ask([here[0] + x * part * (across.high - across.low), here[1] + y * part * (up.high - up.low)]);
  }

  const KEYS = {
    " ": () => (playing ? pause() : start()),
    ",": () => goTo(Math.ceil(at) - 1),
    ".": () => goTo(Math.floor(at) + 1),
    Home: () => goTo(0),
    End: () => goTo(scene.last),
    "+": () => faster(1),
    "-": () => faster(-1),
    ArrowLeft: (far) => moved(-1, 0, far),
    ArrowRight: (far) => moved(1, 0, far),
    ArrowUp: (far) => moved(0, 1, far),
    ArrowDown: (far) => moved(0, -1, far),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key](event.shiftKey);
  });

  // -- from the kernel

  function renewed() {
    read();
    answered();
    drawSoon();
  }

  function shown() {
    if (playing || model.get("value") === Math.floor(at)) return;
    at = Math.min(model.get("value"), scene.last);
    drawSoon();
  }

  const heard = { tracks: renewed, scene: renewed, start: drawSoon, value: shown,
                  ground: readPictures, inset: readPictures };
  for (const [name, hear] of Object.entries(heard)) model.on(`change:${name}`, hear);
  const watcher = new ResizeObserver(drawSoon);
  watcher.observe(canvas);
  read();
  readPictures();
  drawSoon();
  return () => {
    for (const [name, hear] of Object.entries(heard)) model.off(`change:${name}`, hear);
    watcher.disconnect();
    cancelAnimationFrame(frame);
    for (const timer of [resting, asked]) clearTimeout(timer);
  };
}

export default { render };
