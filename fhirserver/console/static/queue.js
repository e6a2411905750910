// The queue by keys: a place in the list that is the real focus, a selection, and decisions that leave both as they were.
import { HOME } from "./home.js";
import { askReason, focus } from "./keys.js";

const list = () => document.getElementById("queue");
const rows = () => [...list().querySelectorAll("tr.entry")];
const current = () => document.activeElement?.closest?.("tr.entry");
const link = (row) => row?.querySelector(".what a");
const chosen = () => [...list().querySelectorAll("input[name=item]:checked")].map((one) => one.value);

export function queueKeys() {
  return {
    j: () => move(1), k: () => move(-1),
    o: () => link(current())?.click(),
    c: () => go(link(current()), "#correct"),
    a: () => decide("approve", here()),
    h: () => decide(current()?.querySelector(".tag.mine") ? "release" : "claim", here()),
    r: () => reject(here()),
    x: () => toggle(),
    A: () => decide("approve", chosen()),
    R: () => reject(chosen()),
    u: () => post(`${HOME}/queue/undo`, []),
  };
}

function here() {
  const row = current() || rows()[0];
  return row ? [row.dataset.id] : [];
}

function move(by) {
  const all = rows();
  const at = all.indexOf(current());
  focus(link(all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))]));
}

function go(anchor, part) {
  if (anchor) location.assign(anchor.href + part);
}

function toggle() {
  const box = current()?.querySelector("input[name=item]");
  if (box) box.checked = !box.checked;
  tell();
}

function reject(ids) {
  if (!ids.length) return;
  const about = ids.length > 1 ? `${ids.length} items` : list().querySelector(`tr[data-id="${ids[0]}"]`).dataset.about;
  // Meanwhile the list may come anew: then the row is gone to which the browser would give the focus back.
  const kept = place();
  askReason(about, (reason) => decide("reject", ids, reason), () => current() || refocus(kept));
}

// One after the other, however fast the keys come: none is lost, and the last answer is the newest list.
let before = Promise.resolve();

function decide(what, ids, reason) {
  if (!ids.length) return;
  const going = rows().filter((row) => ids.includes(row.dataset.id));
  const stays = what === "claim" || what === "release";
  if (!stays && going.includes(current())) leave(going);
  for (const row of going) row.classList.toggle("going", !stays);
  post(`${HOME}/queue/${what}`, [...ids.map((id) => ["item", id]), ...(reason ? [["reason", reason]] : [])]);
}

// The focus goes on to the first row after it that stays, else to the last before.
function leave(going) {
  const all = rows();
  const at = all.indexOf(current());
  const stay = (row) => !going.includes(row) && !row.classList.contains("going");
  focus(link(all.slice(at).find(stay) || all.slice(0, at).reverse().find(stay)));
}

function post(path, values) {
  before = before.then(() => send(path, values)).catch(() => location.reload());
}

async function send(path, values) {
  const { query } = list().dataset;
  const body = new URLSearchParams([["form_token", document.body.dataset.formToken], ...values]);
  const answer = await fetch(query ? `${path}?${query}` : path, { method: "POST", body, headers: { "HX-Request": "true" } });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) return location.assign(elsewhere);
  const html = await answer.text();
  const kept = place();
  htmx.swap("#queue", html, { swapStyle: "outerHTML", settleDelay: 0 });
  restore(kept);
}

function tell() {
  const count = chosen().length;
  const place = document.getElementById("selection");
  if (place) place.textContent = count ? `${count} selected` : "";
}

// When the list comes anew, the focus and the selection stay where they were; a decided item leaves the focus to the next.
function place() {
  const row = current();
  const part = document.activeElement?.id;
  return { id: row?.dataset.id, at: rows().indexOf(row), part, chosen: new Set(chosen()) };
}

function restore(kept) {
  for (const box of list().querySelectorAll("input[name=item]")) box.checked = kept.chosen.has(box.value);
  tell();
  if (kept.id) refocus(kept);
  else if (kept.part && document.activeElement === document.body) focus(document.getElementById(kept.part));
}

function refocus({ id, at }) {
  const all = rows();
  focus(link(all.find((row) => row.dataset.id === id) || all[Math.min(at, all.length - 1)]));
}

export function keepPlace() {
  let kept;
  const isList = (event) => event.detail.target?.id === "queue";
  document.addEventListener("change", (event) => event.target.name === "item" && tell());
  document.addEventListener("submit", confirmReason);
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (isList(event)) kept = place();
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (kept) restore(kept);
    kept = undefined;
  });
}

// The buttons of the form do what the keys do.
function confirmReason(event) {
  if (event.target.id !== "batch") return;
  event.preventDefault();
  const rejecting = event.submitter?.id === "batch-reject";
  const reason = document.getElementById("batch-reason").value.trim();
  if (!rejecting) decide("approve", chosen());
  else if (reason) decide("reject", chosen(), reason);
  else reject(chosen());
}
