// What a page gains from a script: revealing and copying, tabs, a download that begins by itself, a menu that closes.
// Every page works without it.
document.documentElement.classList.add("js");

const live = document.querySelector("#live");
function say(text) {
  if (live) live.textContent = text;
}

for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  button.addEventListener("click", () => {
    const hidden = field.type === "password";
    field.type = hidden ? "text" : "password";
    button.setAttribute("aria-pressed", String(hidden));
    button.querySelector("span").textContent = hidden ? "Hide" : "Reveal";
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const text = source.dataset.whole ?? source.value ?? source.textContent;
    const label = button.querySelector("span");
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(text);
      label.textContent = "Copied";
      say("Copied to the clipboard");
    } catch {
      label.textContent = "Select and copy";
    }
    setTimeout(() => { label.textContent = before; }, 1600);
  });
}

for (const list of document.querySelectorAll(".tabs")) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const show = (chosen) => {
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected;
    }
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => show(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(index + step + tabs.length) % tabs.length];
      show(next);
      next.focus();
    });
  });
  list.hidden = false;
  show(tabs[0]);
}

for (const box of document.querySelectorAll("[data-toggles]")) {
  const part = document.getElementById(box.dataset.toggles);
  const set = () => {
    for (const each of part.querySelectorAll("input")) {
      if (box.checked && !part.dataset.touched) each.checked = each.dataset.kept !== "no";
      if (!box.checked) each.checked = false;
    }
  };
  part.addEventListener("change", () => {
    part.dataset.touched = "yes";
    if (part.querySelector("input:checked")) box.checked = true;
  });
  box.addEventListener("change", set);
}

// The code of a hand-over stands behind the # of its link, which no server is told; it goes into the form from there.
const code = document.querySelector("[data-from-link] input");
if (code && location.hash.length > 1) {
  code.value = location.hash.slice(1);
  code.closest("[data-from-link]").hidden = true;
  history.replaceState(null, "", location.pathname);
}

// A secret is on the page of its creation alone: leaving and coming back, or loading it again, shows the list.
const then = document.body.dataset.then;
if (then) history.replaceState(null, "", then);

for (const link of document.querySelectorAll("[data-download]")) link.click();

const panel = document.querySelector(".panel");
if (panel) {
  panel.focus();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") panel.querySelector("[data-close]")?.click();
  });
}

const menu = document.querySelector(".menu");
if (menu && matchMedia("(min-width: 781px)").matches) menu.open = true;
