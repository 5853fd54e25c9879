// The light and the dark ground: the system's, until the button chooses, which is remembered.
const GROUND_KEY = "gan-ground";
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function remembered() {
  // A browser may keep nothing for pages from disk.
  try { return localStorage.getItem(GROUND_KEY); } catch { return null; }
}

function remember(ground) {
  try { localStorage.setItem(GROUND_KEY, ground); } catch { /* it holds for this page */ }
}

function currentGround() {
  return document.documentElement.dataset.theme || (systemIsDark.matches ? "dark" : "light");
}

function offerGrounds(button) {
  const other = () => currentGround() === "dark" ? "light" : "dark";
  const name = () => { button.textContent = `${other()} ground`; };
  button.hidden = false;
  button.addEventListener("click", () => {
    const ground = other();
    document.documentElement.dataset.theme = ground;
    remember(ground);
    name();
  });
  systemIsDark.addEventListener("change", name);
  name();
}

// Before anything is drawn, so that nothing flashes.
if (["light", "dark"].includes(remembered())) document.documentElement.dataset.theme = remembered();
