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

// Passkeys: what the server asks is handed to the browser, and the browser's answer back, as texts.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (data) => btoa(String.fromCharCode(...new Uint8Array(data))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function post(path, values) {
  const answer = await fetch(path, { method: "POST", body: new URLSearchParams(values) });
  return { ok: answer.ok, told: await answer.json() };
}

function written(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

async function ask(button, act) {
  const place = document.querySelector("#passkey-fault");
  button.disabled = true;
  try {
    const sentence = await act();
    place.textContent = sentence ?? "";
  } catch {
    place.textContent = "The browser has no passkey for this, or you stopped it.";
  }
  place.hidden = !place.textContent;
  button.disabled = false;
}

const passkeyIn = document.querySelector("[data-passkey-in]");
if (passkeyIn && window.PublicKeyCredential) {
  passkeyIn.hidden = false;
  passkeyIn.addEventListener("click", () => ask(passkeyIn, async () => {
    const { ok, told } = await post(passkeyIn.dataset.passkeyIn + "/options", {});
    if (!ok) return told.sentence ?? "Try again.";
    told.options.challenge = bytes(told.options.challenge);
    const credential = await navigator.credentials.get({ publicKey: told.options });
    const answer = await post(passkeyIn.dataset.passkeyIn, {
      ticket: told.ticket, credential: written(credential), next: passkeyIn.dataset.next,
    });
    if (!answer.ok) return answer.told.sentence;
    location.assign(passkeyIn.dataset.base + answer.told.next);
    return "";
  }));
}

const passkeyNew = document.querySelector("[data-passkey-new]");
if (passkeyNew && window.PublicKeyCredential) {
  passkeyNew.hidden = false;
  passkeyNew.addEventListener("submit", (event) => {
    event.preventDefault();
    const csrf = passkeyNew.querySelector("[name=csrf]").value;
    ask(passkeyNew.querySelector("button"), async () => {
      const { ok, told } = await post(passkeyNew.action + "/options", { csrf });
      if (!ok) return told.sentence ?? "Try again.";
      const options = told.options;
      options.challenge = bytes(options.challenge);
      options.user.id = bytes(options.user.id);
      for (const each of options.excludeCredentials ?? []) each.id = bytes(each.id);
      const credential = await navigator.credentials.create({ publicKey: options });
      const answer = await post(passkeyNew.action, {
        csrf, ticket: told.ticket, credential: written(credential), name: passkeyNew.querySelector("[name=name]").value,
      });
      if (!answer.ok) return answer.told.sentence;
      location.reload();
      return "";
    });
  });
}
