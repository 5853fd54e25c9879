// The previews of a run: a slider, a film strip and a band of verdicts choose the step; play shows all.
const FRAME_MS = 400;

function offerPreviews(slider, play, shown) {
  const frames = [...document.querySelectorAll(".strip button")];
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = "play"; };
  const show = (index) => { slider.value = index; showFrame(frames, index, slider, shown); };
  const start = () => {
    let next = +slider.value === frames.length - 1 ? 0 : +slider.value + 1;
    play.textContent = "stop";
    show(next);
    timer = setInterval(() => { if (++next < frames.length) show(next); else stop(); }, FRAME_MS);
  };
  const chooseBy = (button, index) => button.addEventListener("click", () => { stop(); show(index); });
  slider.addEventListener("input", () => { stop(); show(+slider.value); });
  frames.forEach(chooseBy);
  document.querySelectorAll(".band [data-frame]").forEach((part) => chooseBy(part, +part.dataset.frame));
  play.addEventListener("click", () => timer ? stop() : start());
  show(frames.length - 1);
}

function showFrame(frames, index, slider, shown) {
  const own = frames[index], image = own.querySelector("img"), strip = own.parentElement;
  frames.forEach((frame, i) => frame.setAttribute("aria-current", i === index));
  shown.src = image.src;
  shown.alt = image.alt;
  slider.nextElementSibling.textContent = `step ${own.dataset.step}`;
  slider.setAttribute("aria-valuetext", `step ${own.dataset.step}`);
  strip.scrollLeft = own.offsetLeft - strip.offsetLeft - (strip.clientWidth - own.clientWidth) / 2;
}

offerPreviews(document.getElementById("slider"), document.getElementById("play"), document.querySelector(".shown"));
