"use strict";
// The page's data and state, and the elements that all parts of it are made of.
// Text from models and data sets is only ever set as textContent.
// A mark is [outcome, parsed answer, share of full marks]; another run's, or one under a control, is
// [outcome, parsed answer, answer, share of full marks]. What is missing at the end is left out.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const thumbnails = JSON.parse(byId("thumbnails").textContent);
for (const sample of data.samples) { // empty fields are left out
  sample.question ??= "";
  sample.targets ??= [];
}
const state = { view: data.samples, position: 0, reading: 0, unfolded: new Set(["shots"]) };
const SYMBOLS = { correct: "✓", incorrect: "✗", unparsed: "?", refused: "⊘", error: "!", unscored: "–" };

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// Make control characters visible, so they cannot hide or reverse text.
function visible(text) {
  return String(text)
    .replace(/[\0-\x08\x0b-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/[\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function span(className, text) {
  const node = element("span", className);
  node.textContent = visible(text);
  node.dir = "auto";
  return node;
}

function button(className, text, act) {
  const node = element("button", className, text);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

function thumbnail(key, alt) {
  const image = element("img");
  image.src = `data:image/jpeg;base64,${thumbnails[key]}`;
  image.alt = alt;
  return image;
}

const count = (number) => number.toLocaleString("en");
const letter = (index) => index < 26 ? String.fromCharCode(65 + index) : String(index + 1);
const mark = (sample) => sample.marks[state.reading];
const outcome = (sample) => mark(sample)[0];
const parsed = (sample) => mark(sample)[1] ?? undefined;

// An option's letter followed by the option's text.
function withOption(sample, value) {
  const index = /^[A-Z]$/.test(value || "") && sample.options ? value.charCodeAt(0) - 65 : -1;
  return index >= 0 && sample.options[index] ? `${value} · ${sample.options[index]}` : value;
}

// Whether another run, or the run under a control, has another mark.
function changed(sample, other) {
  if (!other) return false;
  const [outcome, answer, share] = sample.marks[0];
  const [otherOutcome, otherAnswer, , otherShare] = other;
  const pairs = [[outcome, otherOutcome], [answer, otherAnswer], [share, otherShare]];
  return pairs.some(([value, otherValue]) => (value ?? null) !== (otherValue ?? null));
}
