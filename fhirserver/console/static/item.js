// One item by keys. j and k aim at one element; a, r and c are then about it, otherwise about the whole item.
import { askReason, focus } from "./keys.js";

const item = () => document.getElementById("item");
const claims = () => [...document.querySelectorAll("section.claim")];
const aimed = () => document.querySelector("section.claim.aimed");
const forms = () => aimed() || document.getElementById("decide") || item();

export function itemKeys() {
  return {
    j: () => aim(1), k: () => aim(-1),
    a: () => send(form("a")),
    r: () => reject(),
    c: () => correct(),
    h: () => send(document.querySelector("#decide form[data-key=h]")),
    n: () => location.assign(item().dataset.next),
    o: () => false,
    t: () => jump(),
    u: () => document.querySelector("#last form")?.requestSubmit(),
    Escape: () => (aimed() ? aim(0) : location.assign(item().dataset.queue)),
  };
}

const form = (key) => forms().querySelector(`form[data-key=${key}]`);

function send(form) {
  if (form && !form.closest("fieldset:disabled")) form.requestSubmit();
}

function aim(by) {
  const all = claims();
  if (!all.length) return by ? undefined : location.assign(item().dataset.queue);
  const at = all.indexOf(aimed());
  for (const one of all) one.classList.remove("aimed");
  const scope = document.getElementById("scope");
  document.body.classList.toggle("aiming", by !== 0);
  if (!by) {
    if (scope) scope.textContent = "All claims";
    return;
  }
  const to = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  to.classList.add("aimed");
  focus(to);
  if (scope) scope.textContent = `Keys: ${to.dataset.path} (Esc: all claims)`;
}

function reject() {
  const sent = form("r");
  if (!sent || sent.closest("fieldset:disabled")) return;
  const reason = sent.querySelector("input[name=reason]");
  askReason(aimed()?.dataset.path || item().dataset.about || "all of this item", (given) => {
    reason.value = given;
    sent.requestSubmit();
  });
}

function correct() {
  const box = (aimed() || claims()[0])?.querySelector("details.correct");
  if (!box) return;
  box.open = true;
  focus(box.querySelector("input:not([type=hidden]), select, textarea"));
}

function jump() {
  const from = (aimed() || claims()[0])?.querySelector("a.turn");
  if (from) focus(document.querySelector(from.hash));
}

// What another reviewer holds or decided cannot be decided here; the server would refuse it all the same.
export function lock() {
  const look = () => {
    const locked = document.getElementById("state")?.dataset.locked === "yes";
    for (const one of document.querySelectorAll("fieldset.actions")) one.disabled = locked;
  };
  document.body.addEventListener("htmx:afterSettle", look);
  document.querySelector(".turns .quoted")?.scrollIntoView({ block: "nearest" });
  scrollTo(0, 0);
  if (location.hash === "#correct") correct();
  else focus(document.querySelector(".faulty input, .faulty select"));
}
