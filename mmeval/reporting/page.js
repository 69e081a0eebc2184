"use strict";
// Text from models and data sets is only ever set as textContent.
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const thumbnails = JSON.parse($("thumbnails").textContent);
const MARKS = { correct: "✓", incorrect: "✗", unparsed: "?", refused: "⊘", error: "!", unscored: "–" };
const ROW = 68, SPARE = 8, SVG = "http://www.w3.org/2000/svg";
const list = document.querySelector(".list"), rows = list.firstElementChild;
const detail = document.querySelector(".detail"), viewer = document.querySelector(".viewer");
const browser = document.querySelector(".browser"), form = document.querySelector(".filters");
const state = { view: data.samples, at: 0, reading: 0, folded: new Set(["shots"]) };

function el(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}
// Make control characters visible, so they cannot hide or reverse text.
const visible = (text) => String(text)
  .replace(/[\0-\x08\x0b-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
  .replace(/[\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
const span = (name, text) => { const made = el("span", name); made.textContent = visible(text); made.dir = "auto"; return made; };
const letter = (index) => index < 26 ? String.fromCharCode(65 + index) : String(index + 1);
const outcome = (sample) => sample.s[state.reading][0];
const read = (sample) => sample.s[state.reading][1] ?? undefined;
const picture = (key, alt) => { const made = el("img"); made.src = `data:image/jpeg;base64,${thumbnails[key]}`; made.alt = alt; return made; };
function button(name, text, act) {
  const made = el("button", name, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

// An option's letter followed by the option's text.
function named(sample, value) {
  const at = /^[A-Z]$/.test(value || "") && sample.o ? value.charCodeAt(0) - 65 : -1;
  return at >= 0 && sample.o[at] ? `${value} · ${sample.o[at]}` : value;
}
function answered(sample) {
  if (sample.e) return "error";
  if (read(sample) !== undefined && read(sample) !== "") return named(sample, read(sample));
  if (sample.l) return "likelihoods";
  return sample.a ? sample.a : "(empty)";
}

// A list of questions that begin with the same words shows what follows.
const lead = (() => {
  const texts = data.samples.map((sample) => sample.q || "");
  let same = texts.length > 1 ? texts[0].length : 0;
  for (const text of texts) while (!text.startsWith(texts[0].slice(0, same))) same -= 1;
  return same > 12 ? texts[0].slice(0, same).search(/\S*$/) : 0;
})();
const short = (sample) => (sample.q || "").length > lead ? `${lead ? "… " : ""}${sample.q.slice(lead)}` : sample.id;

function row(sample, index) {
  const first = (sample.i || []).find((key) => thumbnails[key]);
  const thumb = el("span", "thumb", first ? picture(first, "") : "", sample.i && sample.i.length > 1 ? el("b", "", `${sample.i.length}`) : "");
  const right = outcome(sample) === "correct" || !sample.t.length;
  const made = el("div", `row ${outcome(sample)}`, thumb,
    el("span", "asked", span("question", short(sample)),
      el("span", "answer", span("", answered(sample)), right ? "" : el("em", "", "  ≠  "), right ? "" : span("", named(sample, sample.t[0])))),
    ...[outcome(sample), ...(data.run ? sample.v || [] : []).map((one) => one ? one[0] : "unscored")].map((what, place) => {
      const mark = el("span", `mark ${what}`, MARKS[what]);
      if (data.run) mark.title = visible(`${place ? data.others[place - 1] : data.run}: ${what}`);
      return mark;
    }));
  made.id = `row-${index}`;
  made.setAttribute("role", "option");
  made.setAttribute("aria-selected", index === state.at);
  made.setAttribute("aria-setsize", state.view.length);
  made.setAttribute("aria-posinset", index + 1);
  made.setAttribute("aria-label", visible(`${outcome(sample)}: ${sample.q || sample.id}`));
  made.style.top = `${index * ROW}px`;
  made.addEventListener("click", () => { select(index); openDetail(); });
  return made;
}
function paint() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
  const last = Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE;
  rows.style.height = `${state.view.length * ROW}px`;
  rows.replaceChildren(...state.view.slice(first, last).map((sample, place) => row(sample, first + place)));
  list.setAttribute("aria-activedescendant", `row-${state.at}`);
}

// The expected box, dashed, and the box or point that was read, over a picture.
function framed(image, sample) {
  if (!sample || !sample.b) return image;
  const over = document.createElementNS(SVG, "svg");
  const shares = (read(sample) || "").match(/-?[\d.]+/g) || [];
  image.addEventListener("load", () => {
    const { naturalWidth: w, naturalHeight: h } = image;
    over.setAttribute("viewBox", `0 0 ${w} ${h}`);
    over.append(shape(sample.b, w, h, "expected"), ...(shares.length ? [shape(shares.map(Number), w, h, outcome(sample))] : []));
  });
  return el("span", "framed", image, over);
}
function shape([left, top, right, bottom], w, h, name) {
  const point = right === undefined, made = document.createElementNS(SVG, point ? "circle" : "rect");
  const size = point ? { cx: left * w, cy: top * h, r: 0.012 * Math.max(w, h) } : { x: left * w, y: top * h, width: (right - left) * w, height: (bottom - top) * h };
  for (const [key, value] of Object.entries(size)) made.setAttribute(key, Math.max(value, 0));
  made.classList.add(name);
  return made;
}
function pictures(keys, offset, times, sample) {
  const made = el("div", `pictures n${Math.min(keys.length, 4)}`);
  keys.forEach((key, index) => {
    const name = `image ${offset + index}${times && times[index] ? ` · ${times[index]} s` : ""}`;
    const shown = thumbnails[key] ? framed(picture(key, name), sample) : el("span", "absent", "not in this page");
    const one = button("picture", shown, () => enlarge(keys, index, offset, times, sample));
    one.disabled = !thumbnails[key];
    made.append(el("figure", "", one, el("figcaption", "", name)));
  });
  return made;
}
function enlarge(keys, index, offset, times, sample) {
  const go = (to) => enlarge(keys, (to + keys.length) % keys.length, offset, times, sample);
  const time = times && times[index] ? ` · ${times[index]} s` : "";
  const name = `image ${offset + index}${time} · ${index + 1} of ${keys.length}`;
  const several = keys.length > 1;
  const close = button("close", "✕", () => viewer.close());
  close.setAttribute("aria-label", "Close");
  viewer.replaceChildren(thumbnails[keys[index]] ? framed(picture(keys[index], name), sample) : el("p", "absent", "not in this page"),
    el("div", "under", several ? button("", "←", () => go(index - 1)) : "", el("span", "", name), several ? button("", "→", () => go(index + 1)) : ""), close);
  viewer.onkeydown = (event) => {
    if (several && event.key === "ArrowLeft") go(index - 1);
    if (several && event.key === "ArrowRight") go(index + 1);
    event.stopPropagation();
  };
  if (!viewer.open) viewer.showModal();
}
viewer.addEventListener("click", (event) => { if (event.target === viewer || /^(IMG|svg|rect|circle)$/.test(event.target.tagName)) viewer.close(); });

function folded(name, title, ...content) {
  const made = el("details", name, el("summary", "", title), ...content);
  made.open = state.folded.has(name);
  made.addEventListener("toggle", () => made.open ? state.folded.add(name) : state.folded.delete(name));
  return made;
}
const part = (title, ...content) => el("section", "part", el("h3", "", title), ...content);

function options(sample) {
  const right = new Set(sample.t), made = el("ol", "options");
  sample.o.forEach((text, index) => {
    const own = letter(index), one = el("li", "", el("b", "", own), span("", text));
    if (right.has(own) || right.has(text)) one.classList.add("right");
    if (read(sample) === own || read(sample) === text) one.append(el("i", "", "chosen")), one.classList.add("chosen");
    made.append(one);
  });
  return made;
}
function bars(sample) {
  const names = (sample.k || sample.o || []).map(String), right = new Set(sample.t);
  const bytes = (index) => data.perByte && names[index] ? Math.max(new TextEncoder().encode(names[index].trim()).length, 1) : 1;
  const compared = sample.l.map((value, index) => value / bytes(index)), best = Math.max(...compared);
  const weights = compared.map((value) => Math.exp(value - best)), sum = weights.reduce((a, b) => a + b, 0);
  const made = el("div", "bars");
  sample.l.forEach((value, index) => {
    const fill = el("i"), share = weights[index] / sum;
    fill.style.width = `${Math.max(100 * share, 0.5)}%`;
    const name = names[index] === undefined ? `candidate ${index + 1}` : names[index], own = sample.o ? letter(index) : name;
    const chosen = read(sample) !== undefined && (read(sample) === name || read(sample) === own);
    const looks = [chosen ? "chosen" : "", right.has(name) || right.has(own) ? "right" : ""].join(" ").trim();
    made.append(el("div", looks, el("span", "candidate", own === name ? "" : el("b", "", own), span("", name)), el("span", "track", fill), el("span", "num", `${(100 * share).toFixed(1)}%`), el("span", "num quiet", value.toFixed(2).replace("-", "−"))));
  });
  const how = data.perByte ? "log-likelihood per byte, which decides the answer" : "log-likelihood";
  return part("Likelihoods", made, el("p", "note", `Blue: chosen. ✓: expected. Percentages: shares by ${how}. Last column: log-likelihoods, summed over a candidate's tokens.`));
}
const marked = (what, share) => `${MARKS[what]} ${what}${share === undefined ? "" : `, ${share} of 1`}`;
function verdict(list, sample, name, what, value, share, looks) {
  const read = value === undefined || value === null ? "" : span("value", value === "" ? "(empty)" : named(sample, value));
  list.append(el("div", looks, el("dt", "", name), el("dd", "", el("span", `chip ${what}`, marked(what, share)), read)));
}
function readings(sample) {
  const made = el("dl", "readings");
  sample.s.forEach(([what, value, share], index) => verdict(made, sample, data.readings[index], what, value, share));
  return made;
}
function others(sample) {
  const made = el("dl", "readings");
  if (data.run) verdict(made, sample, data.run, sample.s[0][0], sample.a === undefined ? sample.s[0][1] : sample.a, sample.s[0][2], "");
  sample.v.forEach((one, index) => { if (one) verdict(made, sample, data.others[index], one[0], one[2] ?? one[1], one[3], changed(sample, one) ? "changed" : ""); });
  return made;
}
function demonstrations(sample) {
  let number = 0;
  const shots = sample.d.map((shot) => {
    const made = el("div", "shot", shot.i.length ? pictures(shot.i, number) : "", span("text", shot.q), span("value", shot.a));
    number += shot.i.length;
    return made;
  });
  return folded("shots", `Demonstrations (${shots.length})`, el("div", "demonstrations", ...shots));
}

function show() {
  const sample = state.view[state.at];
  if (!sample) { detail.replaceChildren(el("p", "empty", "No sample matches these filters.")); return; }
  const before = (sample.d || []).reduce((sum, shot) => sum + shot.i.length, 0);
  const step = (name, text, by) => { const made = button("", text, () => select(state.at + by)); made.setAttribute("aria-label", name); made.disabled = !state.view[state.at + by]; return made; };
  const back = button("back", "← list", closeDetail);
  const [input, output, seconds] = sample.n;
  const facts = [`${input.toLocaleString("en")} tokens in`, output ? `${output.toLocaleString("en")} out` : "", seconds ? `${seconds} s` : ""].filter(Boolean).join(" · ");
  detail.replaceChildren(...[
    el("div", "head", back, el("span", `chip ${outcome(sample)}`, marked(outcome(sample), sample.s[state.reading][2])),
      el("span", "place", `${(state.at + 1).toLocaleString("en")} of ${state.view.length.toLocaleString("en")}`), step("Previous", "↑", -1), step("Next", "↓", 1)),
    el("p", "id", data.axes[sample.c] ? span("axis", data.axes[sample.c]) : "", span("", sample.id)),
    sample.d ? demonstrations(sample) : null,
    sample.i ? pictures(sample.i, before, sample.w, sample) : null,
    sample.b && sample.i ? el("p", "note", "Dashed: expected. Solid: what was read from the answer.") : null,
    span("text asked", sample.q),
    sample.o && !sample.l ? options(sample) : null,
    sample.l ? bars(sample) : null,
    data.run && (sample.v || []).some(Boolean) ? part("Answers of the runs", others(sample)) : null,
    sample.e ? part("Error", span("text error", sample.e)) : null,
    sample.a !== undefined ? part(data.run ? `Answer of ${visible(data.run)}` : "Answer", span("text came", sample.a === "" ? "(empty)" : sample.a), sample.f ? el("p", "note warn", "Cut off at the maximum answer length.") : "") : null,
    part("Parsed as", readings(sample)),
    sample.t.length ? part("Expected", span("text", sample.t.map((one) => named(sample, one)).join(" / "))) : null,
    !data.run && (sample.v || []).some(Boolean) ? part("Under controls", others(sample)) : null,
    sample.r ? folded("reasoning", "Reasoning", span("text", sample.r)) : null,
    sample.p ? folded("sent", "Prompt as sent", span("text came", sample.p)) : null,
    el("p", "note", facts),
  ].filter(Boolean));
  detail.scrollTop = 0;
}
function openDetail() { // in a narrow window it covers the list
  browser.classList.add("open");
  document.body.classList.add("covered");
}
function closeDetail() {
  browser.classList.remove("open");
  document.body.classList.remove("covered");
  list.focus({ preventScroll: true });
}
function select(index) {
  if (!state.view.length) { state.at = 0; paint(); show(); return; }
  state.at = Math.min(Math.max(index, 0), state.view.length - 1);
  const top = state.at * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
  paint();
  show();
  history.replaceState(null, "", `#sample=${encodeURIComponent(state.view[state.at].id)}`);
}

// Filters
function choose(id, pairs) {
  const chosen = $(id);
  chosen.replaceChildren(...pairs.map(([value, text]) => { const made = el("option", "", visible(text)); made.value = value; return made; }));
  chosen.closest("label").hidden = pairs.length < (pairs[0][0] === "" ? 3 : 2);
  chosen.addEventListener("change", filter);
}
const changed = (sample, one) => Boolean(one) && [[one[0], sample.s[0][0]], [one[1], sample.s[0][1]], [one[3], sample.s[0][2]]].some(([its, own]) => (its ?? null) !== (own ?? null));
const tests = {
  any: (sample) => (sample.v || []).some((one) => changed(sample, one)),
  none: (sample) => (sample.v || []).some(Boolean) && !sample.v.some((one) => changed(sample, one)),
};
data.others.forEach((name, index) => {
  tests[`changed ${index}`] = (sample) => changed(sample, sample.v[index]);
  tests[`lost ${index}`] = (sample) => Boolean(sample.v[index]) && sample.s[0][0] === "correct" && sample.v[index][0] !== "correct";
  tests[`won ${index}`] = (sample) => Boolean(sample.v[index]) && sample.s[0][0] !== "correct" && sample.v[index][0] === "correct";
  tests[`both ${index}`] = (sample) => Boolean(sample.v[index]) && sample.s[0][0] === "correct" && sample.v[index][0] === "correct";
});
const differ = (sample) => sample.s.some((one) => one.join("\n") !== sample.s[0].join("\n"));
const haystack = (sample) => sample.hay || (sample.hay = [sample.id, sample.q, sample.a, sample.e, sample.r, ...sample.t, ...(sample.o || []), ...sample.s.map((one) => one[1])].join("\n").toLowerCase());
function filter() {
  const axis = $("axis").value, what = $("outcome").value, other = $("other").value, reading = $("reading").value;
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const current = state.view[state.at];
  state.reading = Number(reading) || 0;
  state.view = data.samples.filter((sample) => (axis === "" || sample.c === Number(axis))
    && (what === "" || (what === "wrong" ? !["correct", "unscored"].includes(outcome(sample)) : outcome(sample) === what))
    && (reading !== "differ" || differ(sample)) && (other === "" || tests[other](sample))
    && words.every((word) => haystack(sample).includes(word)));
  $("count").textContent = `${state.view.length.toLocaleString("en")} of ${data.samples.length.toLocaleString("en")}`;
  list.scrollTop = 0;
  state.at = Math.max(state.view.indexOf(current), 0);
  const top = state.at * ROW;
  if (top + ROW > list.clientHeight) list.scrollTop = top - ROW;
  paint();
  show();
}
const found = new Set(data.samples.flatMap((sample) => sample.s.map((one) => one[0])));
choose("axis", [["", "all"], ...data.axes.map((name, index) => [index, name || "(none)"])]);
choose("outcome", [["", "all"], ["wrong", "not correct"], ...Object.keys(MARKS).filter((name) => found.has(name)).map((name) => [name, name])]);
choose("reading", [...data.readings.map((name, index) => [index, name]), ...(data.readings.length > 1 ? [["differ", "where they differ"]] : [])]);
choose("other", [["", "all"], ...(data.others.length > 1 ? [["any", data.run ? "changed in any" : "changed under any"], ["none", data.run ? "changed in none" : "changed under none"]] : []), ...data.others.flatMap((name, index) => [
  [`changed ${index}`, `${name}: changed`], [`lost ${index}`, `${name}: right to wrong`], [`won ${index}`, `${name}: wrong to right`], [`both ${index}`, `${name}: right in both`]])]);
$("other").closest("label").hidden = !data.others.length;
const differing = data.others.length > 1 ? "any" : "changed 0";
if (data.run && data.samples.some(tests[differing])) $("other").value = differing;
else if (data.samples.some((sample) => outcome(sample) !== "correct")) $("outcome").value = "wrong";
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => { $("outcome").value = $("other").value = ""; filter(); }));
let waiting = 0;
$("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
for (const one of document.querySelectorAll(".outcomes button")) {
  one.addEventListener("click", () => { $("outcome").value = one.dataset.outcome; filter(); $("samples").scrollIntoView(); });
}

// Keys
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = /INPUT|SELECT|TEXTAREA/.test(event.target.tagName);
  if (event.key === "Escape") { if (typing) event.target.blur(); else closeDetail(); return; }
  if (typing || viewer.open) return;
  const inList = event.target === list;
  const moves = { j: 1, k: -1, ...(inList ? { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity } : {}) };
  if (event.key === "/") { $("search").focus(); $("search").select(); }
  else if (event.key in moves) select(state.at + moves[event.key]);
  else if (event.key === "Enter" && (inList || event.target === document.body)) detail.querySelector(":scope > .pictures button:enabled")?.click();
  else return;
  event.preventDefault();
});
list.addEventListener("scroll", () => requestAnimationFrame(paint));
new ResizeObserver(paint).observe(list);

// Tables of a panel are long in a narrow window: fold them.
if (innerWidth <= 720) for (const one of document.querySelectorAll(".tables details")) one.open = false;

// Score table
for (const one of document.querySelectorAll("th button")) {
  one.addEventListener("click", () => {
    const head = one.closest("th"), body = head.closest("table").tBodies[0], column = head.cellIndex;
    const first = column === 0 ? "ascending" : "descending";
    const order = head.getAttribute("aria-sort") === first ? (first === "ascending" ? "descending" : "ascending") : first;
    for (const cell of head.parentNode.cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const value = (line) => Number(line.cells[column].dataset.sort);
    body.append(...[...body.rows].sort((a, b) => (order === "ascending" ? 1 : -1) * (value(a) - value(b))));
  });
}

function unescaped(text) {
  try { return decodeURIComponent(text); } catch { return text; } // an address written by hand may have a bare %
}
const asked = unescaped((location.hash.match(/^#sample=(.+)/) || [])[1] || "");
filter();
if (asked) {
  const at = data.samples.findIndex((sample) => sample.id === asked);
  if (at >= 0) { $("outcome").value = $("other").value = ""; filter(); select(at); $("samples").scrollIntoView(); openDetail(); }
}
document.documentElement.dataset.ready = "yes";
