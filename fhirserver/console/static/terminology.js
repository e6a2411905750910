// The tree of a code system (ARIA's tree pattern), its search as one types, and the concept beside it; lists by keys.
// Every item is a link, and does without this what it says.
import { HOME } from "./home.js";
import { focus } from "./keys.js";

const byId = (id) => document.getElementById(id);
const tree = () => byId("tree");
const shown = (one) => one.offsetParent !== null;
const nodes = () => [...tree().querySelectorAll("[role=treeitem]")].filter(shown);
const results = () => [...document.querySelectorAll(".results .node")];
const say = (text) => { byId("announcer").textContent = text; };
const address = (page, values) => `${HOME}/terminology/${page}?${new URLSearchParams(values)}`;
const system = () => ({ url: byId("look").dataset.url, version: byId("look").dataset.version });

export function systemKeys() {
  const step = (by) => () => byId("look") && move(by);
  return { j: step(1), k: step(-1), Escape: leaveSearch };
}

export function browseSystem() {
  if (!tree()) return;
  rove(tree().querySelector("[aria-selected=true]") || nodes()[0]);
  for (const group of tree().querySelectorAll("[role=group]")) own(group);
  scrollTo(tree().querySelector("[aria-selected=true]"));
  tree().addEventListener("keydown", treeKey);
  tree().addEventListener("focusin", ({ target }) => rove(target.closest("[role=treeitem]")));
  byId("look").addEventListener("click", clicked);
  byId("found").addEventListener("keydown", resultKey);
  byId("f-text").addEventListener("keydown", fieldKey);
  document.body.addEventListener("htmx:afterSettle", ({ detail }) => detail.target.id === "found" && searched());
  addEventListener("popstate", () => location.reload());
}

// The list alone is scrolled: the head of the page stays where it is.
function scrollTo(item) {
  const list = item?.closest(".listing");
  if (list) list.scrollTop = item.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 3;
}

// One item at a time is reached by Tab.
function rove(item) {
  for (const other of tree().querySelectorAll('[role=treeitem][tabindex="0"], [role=treeitem]:not([tabindex])')) other.tabIndex = -1;
  if (item) item.tabIndex = 0;
}

function move(by) {
  const found = results();
  const all = found.length ? found : nodes();
  const at = all.indexOf(document.activeElement);
  const from = at < 0 ? all.findIndex((one) => one.tabIndex === 0) - (by > 0 ? 1 : 0) : at;
  all[Math.min(all.length - 1, Math.max(0, from + by))]?.focus();
}

function treeKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const item = event.target.closest("[role=treeitem]");
  const does = {
    ArrowDown: () => move(1), ArrowUp: () => move(-1),
    ArrowRight: () => (item.ariaExpanded === "false" ? toggle(item) : item.ariaExpanded && below(item)?.querySelector("[role=treeitem]").focus()),
    ArrowLeft: () => (item.ariaExpanded === "true" ? toggle(item) : above(item)?.focus()),
    Home: () => nodes()[0].focus(), End: () => nodes().at(-1).focus(),
    " ": () => item.click(),
  }[event.key];
  if (!does || !item) return;
  event.preventDefault();
  does();
}

const below = (item) => item.parentElement.querySelector(":scope > [role=group]");
const above = (item) => item.closest("[role=group]")?.parentElement.querySelector(":scope > [role=treeitem]");

function clicked(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const item = event.target.closest("a");
  if (event.target.closest(".twist") && item.ariaExpanded) return event.preventDefault(), toggle(item);
  if (item?.dataset.more) return event.preventDefault(), more(item);
  if (item?.dataset.code !== undefined) return event.preventDefault(), choose(item);
}

// Opening and closing: what is below comes when it is wanted, and stays.
let number = 0;
function own(group) {
  group.id ||= `branch-${number += 1}`;
  group.parentElement.querySelector(":scope > [role=treeitem]").setAttribute("aria-owns", group.id);
}

async function toggle(item) {
  const open = item.ariaExpanded !== "true";
  if (open && !below(item)) {
    if (item.ariaBusy === "true") return;
    item.ariaBusy = "true";
    const values = { ...system(), parent: item.dataset.code, depth: Number(item.ariaLevel) + 1 };
    const html = await part(address("system/level", values));
    item.ariaBusy = "false";
    if (html === undefined) return;
    item.insertAdjacentHTML("afterend", `<ul role="group">${html}</ul>`);
    own(below(item));
    rove(item);
  }
  item.ariaExpanded = String(open);
  below(item).hidden = !open;
  if (open) say(`${below(item).querySelector("[role=treeitem]")?.ariaSetSize || 0} below ${item.dataset.code}.`);
}

async function more(item) {
  const html = await part(item.dataset.more);
  if (html === undefined) return;
  const row = item.parentElement;
  row.insertAdjacentHTML("beforebegin", html);
  const first = firstOf(row, item);
  row.remove();
  rove(first);
  first?.focus();
}

// The first of those that came: it is numbered by where it stands among its siblings.
function firstOf(row, item) {
  const offset = Number(new URL(item.dataset.more, location.href).searchParams.get("offset"));
  return [...row.parentElement.children].map((one) => one.firstElementChild).find((one) => Number(one.ariaPosInSet) === offset + 1);
}

async function choose(item) {
  const { code } = item.dataset;
  const apart = tree().contains(item) ? {} : { apart: "1" };
  const html = await part(address("system/concept", { ...system(), code, ...apart }));
  if (html === undefined) return;
  byId("concept").innerHTML = html;
  history.pushState({}, "", address("system", { ...system(), code }));
  for (const one of byId("look").querySelectorAll("[aria-selected=true]")) one.ariaSelected = "false";
  for (const one of tree().querySelectorAll("[data-code]")) if (one.dataset.code === code) one.ariaSelected = "true";
  for (const one of results()) one.setAttribute("aria-current", String(one.dataset.code === code));
  const outside = !item.isConnected;
  if (outside) focus(byId("concept"));
  byId("concept").scrollIntoView({ block: "nearest" });
  say(`${byId("concept").querySelector("[data-said]")?.dataset.said || code} is shown.`);
}

async function part(place) {
  const answer = await fetch(place, { headers: { "HX-Request": "true" } });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) return void location.assign(elsewhere);
  const html = await answer.text();
  if (answer.ok) return html;
  byId("concept").innerHTML = html;
}

// Searching: the results stand in the place of the tree until the field is empty again.
function searched() {
  const found = byId("results");
  byId("branches").hidden = !!found;
  if (found) say(`${found.dataset.said}.`);
}

function fieldKey(event) {
  if (event.key !== "ArrowDown" && event.key !== "Enter" || !results().length) return;
  if (event.key === "Enter") results()[0].click();
  results()[0].focus();
  event.preventDefault();
}

function resultKey(event) {
  const at = results().indexOf(event.target);
  if (at < 0 || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  if (event.key === "ArrowUp" && at === 0) return byId("f-text").focus();
  move(event.key === "ArrowDown" ? 1 : -1);
}

// Back to the tree, at the concept that is shown.
function leaveSearch() {
  if (!byId("results")) return false;
  const code = byId("concept").querySelector("[data-code]")?.dataset.code;
  if (code) return location.assign(address("system", { ...system(), code }));
  byId("f-text").value = "";
  byId("found").innerHTML = "";
  searched();
  nodes()[0]?.focus();
}

// Lists of links: all that is known, an expansion, the rows of a map.
export function listKeys() {
  const step = (by) => () => {
    const links = [...document.querySelectorAll("tr.entry a.go, tr.entry td:first-child a.calm")];
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  };
  return { j: step(1), k: step(-1), Escape: () => { location.href = `${HOME}/terminology`; } };
}

// What came in by typing or by a click is said; an explanation gets the focus.
export function tellParts() {
  document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
    const at = byId(detail.target.id) || detail.target;
    const said = at.dataset?.said || at.querySelector("[data-said]")?.dataset.said;
    if (said) say(said);
    if (at.id === "why") {
      at.focus({ preventScroll: true });
      at.scrollIntoView({ block: "nearest" });
    }
  });
}
