// Drawing of the race on a canvas, from a scene that plots/race.py describes.
//
// A box is a rectangle of the canvas, {x, y, w, h}; an axis is {label, low, high, log, ticks}, with
// ticks [[value, text], ...]; `track(runner, channel)` has a number for each step.

const INK = "#222222";
const GREY = "#767676";
const PALE = "#DDDDDD";

// -- where things stand

function arrange(pen, width, height, scene) {
  const size = Math.max(14, Math.min(22, width / 60)); // of the letters, in pixels of the page
  pen.font = `${size}px sans-serif`;
  const above = 1.8 * size;
  const below = 2.7 * size;
  const names = Math.max(...scene.runners.map(({ name }) => pen.measureText(name).width), 0);
  const side = Math.min(height - above - below, 0.42 * width);
  const map = { x: 3.6 * size, y: above, w: side, h: side };
  const x = map.x + side + 5.2 * size;
  const w = width - x - names - 1.6 * size;
  const h = (height - 2 * above - 2 * below) / 2;
  const curve = { x, y: above, w, h };
  return { size, map, curve, view: { x, y: 2 * above + below + h, w, h } };
}

// The share of the axis that lies below a value; a value of 0 lies below every logarithm.
function share({ low, high, log }, value) {
  if (!log) return (value - low) / (high - low);
  return Math.max(Math.log(value / low) / Math.log(high / low), -9);
}

function place(box, across, up, x, y) {
  return [box.x + box.w * share(across, x), box.y + box.h * (1 - share(up, y))];
}

// The point of the plane under a place of the canvas, to three digits, or null outside the box.
function under(box, across, up, px, py) {
  const u = (px - box.x) / box.w;
  const v = 1 - (py - box.y) / box.h;
  if (u < 0 || u > 1 || v < 0 || v > 1) return null;
  return [across.low + u * (across.high - across.low), up.low + v * (up.high - up.low)];
}

// -- letters, lines, marks

function write(pen, text, x, y, { align = "left", baseline = "middle", colour = INK, halo } = {}) {
  pen.textAlign = align;
  pen.textBaseline = baseline;
  if (halo) {
    pen.strokeStyle = "white";
    pen.lineWidth = 5;
    pen.lineJoin = "round";
    pen.setLineDash([]);
    pen.strokeText(text, x, y);
  }
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}

function within(pen, { x, y, w, h }, draw) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, w, h);
  pen.clip();
  draw();
  pen.restore();
}

function frameOf(pen, size, box, title, across, up) {
  pen.font = `bold ${size}px sans-serif`;
  write(pen, title, box.x, box.y - 0.95 * size);
  pen.font = `${size}px sans-serif`;
  pen.lineWidth = 1;
  pen.setLineDash([]);
  for (const [value, text] of up?.ticks ?? []) {
    const y = place(box, across, up, across.low, value)[1];
    pen.strokeStyle = PALE;
    pen.strokeRect(box.x, y, box.w, 0);
    write(pen, text, box.x - 0.4 * size, y, { align: "right" });
  }
  for (const [value, text] of across?.ticks ?? []) {
    const x = box.x + box.w * share(across, value);
    pen.strokeStyle = INK;
    pen.strokeRect(x, box.y + box.h, 0, 4);
    write(pen, text, x, box.y + box.h + 0.95 * size, { align: "center" });
  }
  pen.strokeStyle = INK;
  pen.strokeRect(box.x, box.y, box.w, box.h);
  if (across?.label) {
    const x = box.x + box.w / 2;
    write(pen, across.label, x, box.y + box.h + 2.1 * size, { align: "center" });
  }
  if (up?.label) {
    pen.save();
    pen.translate(box.x - 2.8 * size, box.y + box.h / 2);
    pen.rotate(-Math.PI / 2);
    write(pen, up.label, 0, 0, { align: "center" });
    pen.restore();
  }
}

const CORNERS = {
  s: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  "^": [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]],
  v: [[0, 1.2], [1.1, -0.9], [-1.1, -0.9]],
  D: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
  P: [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4],
      [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
};

function mark(pen, { marker, colour }, x, y, radius) {
  pen.beginPath();
  if (CORNERS[marker]) {
    for (const [u, v] of CORNERS[marker]) pen.lineTo(x + radius * u, y + radius * v);
  } else {
    pen.arc(x, y, radius, 0, 2 * Math.PI);
  }
  pen.closePath();
  pen.fillStyle = colour;
  pen.strokeStyle = "white";
  pen.lineWidth = 1.5;
  pen.setLineDash([]);
  pen.fill();
  pen.stroke();
}

function cross(pen, { colour }, x, y, radius) {
  pen.strokeStyle = colour;
  pen.lineWidth = 4;
  pen.setLineDash([]);
  pen.beginPath();
  for (const side of [-1, 1]) {
    pen.moveTo(x - radius, y - side * radius);
    pen.lineTo(x + radius, y + side * radius);
  }
  pen.stroke();
}

function arrow(pen, look, x, y, length, angle) {
  const tip = [x + length * Math.cos(angle), y + length * Math.sin(angle)];
  const head = Math.min(14, length);
  pen.strokeStyle = pen.fillStyle = look.colour;
  pen.lineWidth = look.width;
  pen.setLineDash(look.dash);
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(tip[0] - head * Math.cos(angle), tip[1] - head * Math.sin(angle));
  pen.stroke();
  pen.setLineDash([]);
  pen.beginPath();
  pen.moveTo(...tip);
  for (const turn of [-0.4, 0.4]) {
    pen.lineTo(tip[0] - head * Math.cos(angle + turn), tip[1] - head * Math.sin(angle + turn));
  }
  pen.fill();
  return tip;
}

function edges({ x, y, w, h }) {
  return { left: x + 2, right: x + w - 2, top: y, bottom: y + h };
}

// Write names beside their places, moved down where they would lie on each other.
function names(pen, size, labels, box) {
  const placed = [];
  for (const label of labels.sort((a, b) => a.y - b.y)) {
    const width = pen.measureText(label.text).width;
    const left = label.left || label.x + 0.8 * size + width > box.right;
    const wished = left ? label.x - 0.8 * size - width : label.x + 0.8 * size;
    const x = Math.max(box.left, Math.min(wished, box.right - width));
    let y = Math.max(label.y, box.top + 0.6 * size);
    for (const other of placed) {
      const beside = x > other.x + other.width + 4 || other.x > x + width + 4;
      if (!beside && Math.abs(y - other.y) < 1.15 * size) y = other.y + 1.15 * size;
    }
    placed.push({ x, y, width, text: label.text, colour: label.colour });
  }
  // what has been pushed out below moves up again, the lowest first
  let floor = box.bottom - 0.6 * size;
  for (const label of [...placed].reverse()) {
    if (label.y <= floor) break;
    label.y = floor;
    floor -= 1.15 * size;
  }
  for (const { text, x, y, colour } of placed) write(pen, text, x, y, { colour, halo: true });
}

// -- the pictures

// The places of a line as far as `at`, which may lie between two steps; what is no number ends it.
function upTo(xs, ys, at) {
  const whole = Math.floor(at);
  const points = [];
  for (let i = 0; i <= whole && !Number.isNaN(ys[i]); i++) points.push([xs ? xs[i] : i, ys[i]]);
  const part = at - whole;
  if (part > 0 && points.length === whole + 1 && !Number.isNaN(ys[whole + 1])) {
    const [x, y] = points[whole];
    const nextX = xs ? xs[whole + 1] : whole + 1;
    points.push([x + part * (nextX - x), y + part * (ys[whole + 1] - y)]);
  }
  return points;
}

function stroke(pen, look, places) {
  pen.strokeStyle = look.colour;
  pen.lineWidth = 2.5;
  pen.lineJoin = "round";
  pen.setLineDash(look.dash);
  pen.beginPath();
  for (const [x, y] of places) pen.lineTo(x, y);
  pen.stroke();
}

const bounded = (v, low, high) => Math.min(Math.max(v, low), high);

function drawMap(pen, size, box, scene, picture, start, track, at) {
  const { across, up, title } = scene.map;
  if (picture) pen.drawImage(picture, box.x, box.y, box.w, box.h);
  const leader = scene.runners[scene.leads[Math.floor(at)]];
  const found = leader ? `${title}: ${leader.name} is lowest` : title;
  frameOf(pen, size, box, found, across, { ...up, ticks: [] });
  for (const [value, text] of up.ticks) {
    write(pen, text, box.x - 0.4 * size, place(box, across, up, 0, value)[1], { align: "right" });
  }
  const heads = scene.runners.map((runner, r) => {
    const path = upTo(track(r, "x"), track(r, "y"), Math.min(at, runner.end));
    const places = path.map(([x, y]) => place(box, across, up, x, y));
    within(pen, box, () => stroke(pen, runner, places));
    return places.at(-1);
  });
  const first = place(box, across, up, ...start);
  cross(pen, { colour: INK }, ...first, 0.35 * size);
  const labels = scene.runners.map((runner, r) => {
    const [x, y] = heads[r];
    const [inX, inY] = [bounded(x, box.x, box.x + box.w), bounded(y, box.y, box.y + box.h)];
    if (runner.end < at) cross(pen, runner, inX, inY, 0.5 * size);
    else if (x === inX && y === inY) mark(pen, runner, x, y, 0.5 * size);
    else {
      const angle = Math.atan2(y - inY, x - inX);
      arrow(pen, { ...runner, width: 3, dash: [] },
            inX - size * Math.cos(angle), inY - size * Math.sin(angle), size, angle);
    }
    const lost = runner.end < at ? " diverged" : "";
    return { text: runner.name + lost, x: inX, y: inY, colour: runner.text };
  });
  names(pen, size, labels, edges(box));
}

function drawLines(pen, size, box, plot, runners, track, at, width) {
  frameOf(pen, size, box, plot.title, plot.across, plot.up);
  const labels = [];
  for (const line of plot.lines) {
    const end = Math.min(at, runners[line.runner].end);
    const points = upTo(null, track(line.runner, line.channel), end);
    const places = points.map(([x, y]) => place(box, plot.across, plot.up, x, y));
    within(pen, box, () => stroke(pen, line, places));
    if (!places.length) continue;
    const [x, y] = places.at(-1);
    const inside = bounded(y, box.y, box.y + box.h);
    if (runners[line.runner].end < at) cross(pen, line, x, inside, 0.4 * size);
    else mark(pen, line, x, inside, 0.35 * size);
    const below = y > box.y + box.h ? " ↓" : ""; // its height says nothing
    labels.push({ text: line.name + below, x, y: inside, colour: line.text });
  }
  names(pen, size, labels, { ...edges(box), right: width });
}

// The gradient, the memory and the step of one runner at one step, each drawn as long as the box.
function drawArrows(pen, size, narrow, plot, runners, track, at, width) {
  const box = { ...narrow, w: width - narrow.x - 4 };
  frameOf(pen, size, box, plot.title, null, null);
  const step = Math.min(Math.floor(at), runners[plot.runner].end - 1, track(0, "x").length - 2);
  const centre = [box.x + box.w / 2, box.y + box.h / 2];
  if (step < 0) return;
  const labels = [];
  for (const look of plot.arrows) {
    const [u, v] = look.channels.map((channel) => track(plot.runner, channel)[step]);
    const length = Math.hypot(u, v);
    const text = `${look.name}  ${digits(length)}`;
    if (!(length > 0 && Number.isFinite(length))) {
      labels.push({ text, x: centre[0], y: centre[1], colour: look.text });
      continue;
    }
    const [x, y] = arrow(pen, look, ...centre, look.reach * box.h, Math.atan2(-v, u));
    labels.push({ text, x, y, colour: look.text, left: u < 0 });
  }
  names(pen, size, labels, edges(box));
}

// A number to three digits, as nnlib.words writes it.
function digits(value) {
  if (!Number.isFinite(value)) return "not finite";
  const rounded = Number(value.toPrecision(3));
  if (rounded === 0 || (Math.abs(rounded) >= 1e-3 && Math.abs(rounded) < 1e5)) return `${rounded}`;
  const [leading, power] = value.toExponential(2).split("e");
  const raised = [...`${Number(power)}`].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  return `${leading}·10${raised.join("")}`;
}

function drawPicture(pen, size, box, plot, picture, width) {
  if (picture) pen.drawImage(picture, box.x, box.y, box.w, box.h);
  frameOf(pen, size, box, plot.title, plot.across, plot.up);
  const labels = plot.points.map((point) => {
    const [x, y] = place(box, plot.across, plot.up, point.x, point.y);
    const inX = bounded(x, box.x, box.x + box.w);
    const inY = bounded(y, box.y, box.y + box.h);
    mark(pen, point, inX, inY, 0.5 * size);
    return { text: point.name, x: inX, y: inY, colour: point.text };
  });
  names(pen, size, labels, { ...edges(box), right: width });
}

function drawRanking(pen, size, box, plot, width) {
  frameOf(pen, size, box, plot.title, plot.across, null);
  plot.rows.forEach((row, i) => {
    const y = box.y + (box.h * (i + 0.5)) / plot.rows.length;
    const at = (value) => box.x + box.w * bounded(share(plot.across, value), 0, 1);
    const [first, third] = row.spread.map(at);
    pen.globalAlpha = 0.4;
    pen.fillStyle = row.colour;
    pen.fillRect(first - 3, y - 0.3 * size, third - first + 6, 0.6 * size);
    pen.globalAlpha = 1;
    mark(pen, row, at(row.mean), y, 0.45 * size);
    const beside = box.x + box.w + 0.5 * size;
    const x = Math.min(beside, width - pen.measureText(row.name).width);
    write(pen, row.name, x, y, { colour: row.text, halo: true });
  });
}

function drawWords(pen, size, narrow, plot, width) {
  const box = { ...narrow, w: width - narrow.x - 4 };
  frameOf(pen, size, box, plot.title, null, null);
  plot.words.forEach((text, i) => write(pen, text, box.x + size, box.y + (1.5 + 1.4 * i) * size));
}
