// Sliders that move pictures: the arrow keys move the one used last, wherever the focus is.
// Of each panel: its element, which is marked while it is the current one, its slider, its output,
// `headings` to say for each place of the slider, and `show`, which shows a place.
function offerSliders(panels) {
  const movable = panels.filter((panel) => panel.slider);
  let current = movable[0];

  const choose = (panel) => {
    current.element.removeAttribute("data-current");
    current = panel;
    current.element.setAttribute("data-current", "");
  };
  for (const panel of movable) {
    panel.slider.addEventListener("input", () => { choose(panel); showPlace(panel); });
    panel.slider.addEventListener("focus", () => choose(panel));
  }
  panels.forEach(showPlace);
  if (current) choose(current);
  addEventListener("keydown", (event) => {
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    // What has the focus may move by itself, or scroll.
    if (!step || !current || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, .scroller, .strip")) return;
    event.preventDefault();
    current.slider.value = +current.slider.value + step;
    showPlace(current);
    current.element.scrollIntoView({block: "nearest"});
  });
}

function showPlace(panel) {
  const place = panel.slider ? +panel.slider.value : 0;
  panel.show(place);
  if (!panel.slider) return;
  panel.output.textContent = panel.headings[place];
  panel.slider.setAttribute("aria-valuetext", panel.headings[place]);
}
