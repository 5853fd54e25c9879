"use strict";
const frames = JSON.parse(document.getElementById("frames").textContent);
const loops = document.documentElement.dataset.loops === "yes";
const [picture, words, way, play] = ["picture", "words", "way", "play"].map((id) => document.getElementById(id));
let timer = 0;

function show(place) {
  const frame = frames[place];
  way.value = place;
  picture.src = frame.source;
  picture.alt = frame.words;
  words.textContent = frame.words;
  way.setAttribute("aria-valuetext", frame.words);
}

function stop() {
  clearTimeout(timer);
  timer = 0;
  play.textContent = "Play";
}

function rest() {
  timer = setTimeout(goOn, 1000 * frames[+way.value].seconds);
}

function goOn() {
  const next = +way.value + 1;
  if (next >= frames.length && !loops) return stop();
  show(next % frames.length);
  rest();
}

function start() {
  if (+way.value === frames.length - 1) show(0);
  play.textContent = "Pause";
  rest();
}

play.addEventListener("click", () => (timer ? stop() : start()));
way.addEventListener("input", () => { stop(); show(+way.value); });
for (const button of document.querySelectorAll("[data-place]")) {
  button.addEventListener("click", () => { stop(); show(+button.dataset.place); });
}

addEventListener("keydown", (event) => {
  // A button that has the focus takes the space bar, a slider the arrows.
  const own = document.activeElement;
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === " " && own.tagName !== "BUTTON") {
    event.preventDefault();
    play.click();
  }
  const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  if (!step || own === way) return;
  event.preventDefault();
  stop();
  show(Math.max(0, Math.min(frames.length - 1, +way.value + step)));
});
