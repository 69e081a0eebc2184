// The selected sample: its pictures, question, answers and marks.
const SVG = "http://www.w3.org/2000/svg";
const viewer = document.querySelector(".viewer");
const detail = document.querySelector(".detail");
const NO_MATCH = "No sample matches these filters.";

// Pictures

// The expected box, dashed, and the box or point that was read, over a picture.
function framed(image, sample) {
  if (!sample || !sample.box) return image;
  const overlay = document.createElementNS(SVG, "svg");
  const read = ((parsed(sample) || "").match(/-?[\d.]+/g) || []).map(Number);
  image.addEventListener("load", () => {
    const { naturalWidth: width, naturalHeight: height } = image;
    overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    overlay.append(shape(sample.box, width, height, "expected"));
    if (read.length) overlay.append(shape(read, width, height, outcome(sample)));
  });
  return element("span", "framed", image, overlay);
}

function shape([left, top, right, bottom], width, height, className) {
  const isPoint = right === undefined;
  const node = document.createElementNS(SVG, isPoint ? "circle" : "rect");
  const attributes = isPoint
    ? { cx: left * width, cy: top * height, r: 0.012 * Math.max(width, height) }
    : { x: left * width, y: top * height, width: (right - left) * width, height: (bottom - top) * height };
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, Math.max(value, 0));
  node.classList.add(className);
  return node;
}

// A set of pictures is { keys, first: number of the first one, times: seconds in the video, sample: with a box,
// only: whether the sample has no other picture, so that its number says nothing }.
function nameOf(set, index) {
  const time = set.times && set.times[index] ? ` · ${set.times[index]} s` : "";
  return `image ${set.first + index}${time}`;
}

function pictureOf(set, index, name) {
  const key = set.keys[index];
  return thumbnails[key] ? framed(thumbnail(key, name), set.sample) : null;
}

function pictures(set) {
  const node = element("div", `pictures n${Math.min(set.keys.length, 4)}`);
  set.keys.forEach((key, index) => {
    const name = nameOf(set, index);
    const picture = pictureOf(set, index, name) || element("span", "absent", "not in this page");
    const enlarging = button("picture", picture, () => enlarge(set, index));
    enlarging.disabled = !thumbnails[key];
    node.append(element("figure", "", enlarging, set.only ? "" : element("figcaption", "", name)));
  });
  return node;
}

function enlarge(set, index) {
  const number = set.keys.length;
  const go = (to) => enlarge(set, (to + number) % number);
  const place = number > 1 ? ` · ${index + 1} of ${number}` : "";
  const name = `${nameOf(set, index)}${place}`;
  const close = button("close", "✕", () => viewer.close());
  close.setAttribute("aria-label", "Close");
  viewer.replaceChildren(
    pictureOf(set, index, name) || element("p", "absent", "not in this page"),
    element("div", "under",
      number > 1 ? button("", "←", () => go(index - 1)) : "",
      set.only ? "" : element("span", "", name),
      number > 1 ? button("", "→", () => go(index + 1)) : ""),
    close);
  viewer.onkeydown = (event) => {
    if (number > 1 && event.key === "ArrowLeft") go(index - 1);
    if (number > 1 && event.key === "ArrowRight") go(index + 1);
    event.stopPropagation();
  };
  if (!viewer.open) viewer.showModal();
}

viewer.addEventListener("click", (event) => {
  if (event.target === viewer || /^(IMG|svg|rect|circle)$/.test(event.target.tagName)) viewer.close();
});

// Parts

function part(title, ...content) {
  return element("section", "part", element("h3", "", title), ...content);
}

function foldable(className, title, ...content) {
  const node = element("details", className, element("summary", "", title), ...content);
  node.open = state.unfolded.has(className);
  node.addEventListener("toggle", () => {
    if (node.open) state.unfolded.add(className); else state.unfolded.delete(className);
  });
  return node;
}

function optionList(sample) {
  const targets = new Set(sample.targets), list = element("ol", "options");
  sample.options.forEach((text, index) => {
    const name = letter(index), item = element("li", "", element("b", "", name), span("", text));
    if (targets.has(name) || targets.has(text)) item.classList.add("right");
    if (parsed(sample) === name || parsed(sample) === text) {
      item.append(element("i", "", "chosen"));
      item.classList.add("chosen");
    }
    list.append(item);
  });
  return list;
}

function likelihoods(sample) {
  const names = (sample.candidates || sample.options || []).map(String);
  const bytes = (index) => Math.max(new TextEncoder().encode(names[index].trim()).length, 1);
  const compared = sample.likelihoods.map((value, index) => data.perByte && names[index] ? value / bytes(index) : value);
  const best = Math.max(...compared);
  const weights = compared.map((value) => Math.exp(value - best));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const bars = element("div", "bars");
  sample.likelihoods.forEach((value, index) => bars.append(bar(sample, index, names[index], weights[index] / sum, value)));
  const measure = data.perByte ? "log-likelihood per byte, which decides the answer" : "log-likelihood";
  const note = `Blue: chosen. ✓: expected. Percentages: shares by ${measure}. Last column: log-likelihoods, summed over a candidate's tokens.`;
  return part("Likelihoods", bars, element("p", "note", note));
}

function bar(sample, index, text, share, value) {
  const name = text === undefined ? `candidate ${index + 1}` : text;
  const label = sample.options ? letter(index) : name;
  const classes = [];
  if (parsed(sample) !== undefined && (parsed(sample) === name || parsed(sample) === label)) classes.push("chosen");
  if (sample.targets.includes(name) || sample.targets.includes(label)) classes.push("right");
  const fill = element("i");
  fill.style.width = `${Math.max(100 * share, 0.5)}%`;
  return element("div", classes.join(" "),
    element("span", "candidate", label === name ? "" : element("b", "", label), span("", name)),
    element("span", "track", fill),
    element("span", "num", `${(100 * share).toFixed(1)}%`),
    element("span", "num quiet", value.toFixed(2).replace("-", "−")));
}

function chip(outcome, share) {
  return element("span", `chip ${outcome}`, `${SYMBOLS[outcome]} ${outcome}${share === undefined ? "" : `, ${share} of 1`}`);
}

function verdict(sample, name, outcome, answer, share, className) {
  const text = answer === undefined || answer === null
    ? "" : span("value", answer === "" ? "(empty)" : withOption(sample, answer));
  return element("div", className, element("dt", "", name), element("dd", "", chip(outcome, share), text));
}

function marksByReading(sample) {
  const rows = sample.marks.map(([outcome, answer, share], index) => verdict(sample, data.readings[index], outcome, answer, share));
  return element("dl", "readings", ...rows);
}

// The marks of other runs, after this one's, or those under controls.
function marksOfOthers(sample) {
  const rows = [];
  if (data.run) {
    const [outcome, answer, share] = sample.marks[0];
    rows.push(verdict(sample, data.run, outcome, sample.answer === undefined ? answer : sample.answer, share, ""));
  }
  sample.others.forEach((other, index) => {
    if (!other) return;
    const [outcome, answer, text, share] = other;
    rows.push(verdict(sample, data.others[index], outcome, text ?? answer, share, changed(sample, other) ? "changed" : ""));
  });
  return element("dl", "readings", ...rows);
}

function demonstrations(sample) {
  let first = 0;
  const shots = sample.shots.map((shot) => {
    const set = { keys: shot.images, first };
    first += shot.images.length;
    return element("div", "shot", set.keys.length ? pictures(set) : "", span("text", shot.question), span("value", shot.answer));
  });
  return foldable("shots", `Demonstrations (${shots.length})`, element("div", "demonstrations", ...shots));
}

function answerOf(sample) {
  const text = span("text came", sample.answer === "" ? "(empty)" : sample.answer);
  const isCut = sample.cut ? element("p", "note warn", "Cut off at the maximum answer length.") : "";
  return part(data.run ? `Answer of ${visible(data.run)}` : "Answer", text, isCut);
}

function usage([inputTokens, outputTokens, seconds]) {
  const facts = [`${count(inputTokens)} tokens in`];
  if (outputTokens) facts.push(`${count(outputTokens)} out`);
  if (seconds) facts.push(`${seconds} s`);
  return element("p", "note", facts.join(" · "));
}

function stepper(name, symbol, by) {
  const node = button("", symbol, () => select(state.position + by));
  node.setAttribute("aria-label", name);
  node.disabled = !state.view[state.position + by];
  return node;
}

function show() {
  const sample = state.view[state.position];
  if (!sample) {
    detail.replaceChildren(element("p", "empty", NO_MATCH));
    return;
  }
  const first = (sample.shots || []).reduce((sum, shot) => sum + shot.images.length, 0);
  const isOnly = !sample.times && first + (sample.images || []).length === 1;
  const axis = data.axes[sample.category];
  const hasOthers = (sample.others || []).some(Boolean);
  const parts = [
    element("div", "head",
      button("back", "← list", closeDetail),
      chip(outcome(sample), mark(sample)[2]),
      element("span", "place", `${count(state.position + 1)} of ${count(state.view.length)}`),
      stepper("Previous", "↑", -1),
      stepper("Next", "↓", 1)),
    element("p", "id", axis ? span("axis", axis) : "", span("", sample.id)),
    sample.shots && demonstrations(sample),
    sample.images && pictures({ keys: sample.images, first, times: sample.times, sample, only: isOnly }),
    sample.box && sample.images && element("p", "note", "Dashed: expected. Solid: what was read from the answer."),
    span("text asked", sample.question),
    sample.options && !sample.likelihoods && optionList(sample),
    sample.likelihoods && likelihoods(sample),
    data.run && hasOthers && part("Answers of the runs", marksOfOthers(sample)),
    sample.error && part("Error", span("text error", sample.error)),
    sample.answer !== undefined && answerOf(sample),
    part("Parsed as", marksByReading(sample)),
    sample.targets.length && part("Expected", span("text", sample.targets.map((target) => withOption(sample, target)).join(" / "))),
    !data.run && hasOthers && part("Under controls", marksOfOthers(sample)),
    sample.reasoning && foldable("reasoning", "Reasoning", span("text", sample.reasoning)),
    sample.sent && foldable("sent", "Prompt as sent", span("text came", sample.sent)),
    sample.usage.some(Boolean) && usage(sample.usage),
  ];
  detail.replaceChildren(...parts.filter(Boolean));
  detail.scrollTop = 0;
}
