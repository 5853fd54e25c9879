// The axes of a traversal: each slider moves a window over the frames of its axis.
function axisOf(section) {
  const {name, words} = section.dataset, headings = JSON.parse(section.dataset.headings);
  const image = section.querySelector("img");
  return {
    element: section, headings,
    slider: section.querySelector("input"), output: section.querySelector("output"),
    show: (frame) => {
      image.style.transform = `translateY(${-100 * frame / headings.length}%)`;
      image.alt = `samples with ${name} at ${headings[frame]}: ${words}`;
    },
  };
}

offerSliders([...document.querySelectorAll("[data-headings]")].map(axisOf));
