// Single keys that do something. They can be switched off (WCAG 2.1.4), and do nothing while a field has the focus.
const SWITCH = "credence-keys";
const TYPED = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select";

export function keys(bindings) {
  const help = document.getElementById("help");
  const on = document.getElementById("keys-on");
  on.checked = localStorage.getItem(SWITCH) !== "off";
  on.addEventListener("change", () => localStorage.setItem(SWITCH, on.checked ? "on" : "off"));
  const button = document.getElementById("show-help");
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
  const all = { "?": () => help.showModal(), "/": () => focus(document.getElementById("f-text") || document.getElementById("find")), ...bindings };
  document.addEventListener("keydown", (event) => {
    const does = all[event.key];
    if (!does || !on.checked && event.key !== "?" || ignored(event)) return;
    if (does(event) !== false) event.preventDefault();
  });
}

function ignored(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  if (document.querySelector("dialog[open]")) return true;
  if (!event.target.matches?.(TYPED)) return false;
  if (event.key === "Escape") event.target.blur();
  return true;
}

export function focus(element) {
  element?.focus();
  element?.select?.();
}

// Asks for the reason of a rejection; calls back with it. Before that, and also where none was given, it has `closed`.
export function askReason(about, then, closed = () => {}) {
  const dialog = document.getElementById("reject");
  const other = document.getElementById("reject-other");
  document.getElementById("reject-about").textContent = about;
  other.value = "";
  dialog.returnValue = "";
  dialog.onkeydown = (event) => {
    const number = Number(event.key);
    const choice = dialog.querySelectorAll("input[name=common]")[number - 1];
    if (event.target === other || !choice) return;
    event.preventDefault();
    choice.checked = true;
    choice.focus();
  };
  dialog.onclose = () => {
    closed();
    const reason = other.value.trim() || dialog.querySelector("input[name=common]:checked")?.value || "";
    if (dialog.returnValue === "reject" && reason) then(reason);
  };
  dialog.showModal();
  (dialog.querySelector("input[name=common]:checked") || other).focus();
}
