// A walk: a slider along it, buttons for its stops, and one that plays it with its pauses.
function walkOf(section) {
  const frames = JSON.parse(document.getElementById("frames").textContent), picture = section.querySelector("img");
  return {
    frames, loops: section.dataset.loops === "yes",
    panel: {
      element: section, slider: section.querySelector("input"), output: section.querySelector("output"),
      headings: frames.map((frame) => frame.words),
      show: (place) => {
        picture.src = frames[place].source;
        picture.alt = frames[place].words;
      },
    },
  };
}

function offerPlay({frames, loops, panel}, play) {
  let timer = 0;
  const place = () => +panel.slider.value;
  const show = (next) => { panel.slider.value = next; showPlace(panel); };
  const stop = () => { clearTimeout(timer); timer = 0; play.textContent = "play"; };
  const rest = () => { timer = setTimeout(goOn, 1000 * frames[place()].seconds); };
  const goOn = () => {
    if (place() + 1 === frames.length && !loops) { stop(); return; }
    show((place() + 1) % frames.length);
    rest();
  };
  const start = () => {
    if (place() + 1 === frames.length) show(0);
    play.textContent = "stop";
    rest();
  };
  play.addEventListener("click", () => timer ? stop() : start());
  panel.slider.addEventListener("input", stop);
  for (const button of panel.element.querySelectorAll("[data-place]")) {
    button.addEventListener("click", () => { stop(); show(+button.dataset.place); });
  }
}

const walk = walkOf(document.querySelector(".walk"));
offerSliders([walk.panel]);
offerPlay(walk, document.getElementById("play"));
