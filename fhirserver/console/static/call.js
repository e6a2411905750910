// A call under way: the page asks again for its parts when something happens; keys and sound.
import { HOME } from "./home.js";
import { focus } from "./keys.js";
import { focusSpeak, soundOfCall, toggleListening, toggleSpeaking } from "./sound.js";

const GATHER = 150;
const byId = (id) => document.getElementById(id);

export function followCall() {
  const { id, after, ended } = byId("call").dataset;
  toTheEnd();
  last = known();
  document.body.addEventListener("htmx:beforeSwap", keepPlace);
  document.body.addEventListener("htmx:afterSwap", takePlace);
  document.body.addEventListener("htmx:afterSettle", settled);
  soundOfCall();
  if (ended) return;
  const source = new EventSource(`${HOME}/live/${id}/events?after=${after}`);
  let waiting = 0;
  source.onmessage = (event) => {
    tell(JSON.parse(event.data));
    waiting ||= setTimeout(() => { waiting = 0; changed(); }, GATHER);
  };
  source.addEventListener("end", () => { source.close(); changed(); });
  addEventListener("pagehide", () => source.close());
}

const changed = () => document.body.dispatchEvent(new CustomEvent("call-changed"));

// Only what a person must know at once is read out; the words of the call would be read over each other.
function tell({ kind, text, reason }) {
  const said = kind === "escalation" && text === "requested" ? `A person is wanted: ${reason}.` : kind === "end" || kind === "record" ? "The call is over." : "";
  if (said) byId("announcer").textContent = said;
}

// Whoever is writing is left alone: what may be done is asked for again when the field is empty.
let last = "";
const known = () => Object.values(byId("state").dataset).join("|");
const writing = () => document.activeElement?.matches?.("#doings input, #doings textarea, #doings select") && document.activeElement.value;

// Where the focus was before what may be done was drawn anew: its field would take the keys. Words begun since it was asked
// for stay, whether it was asked for by this page (then it is asked for again when the field is empty) or by a button
// pressed before, whose answer is late.
let place = "";
let begun = "";
function keepPlace({ target, detail }) {
  if (target.id !== "doings") return;
  const unasked = detail.requestConfig.verb === "get";
  if (unasked && writing()) {
    detail.shouldSwap = false;
    last = "";
    return;
  }
  const field = document.activeElement;
  const sent = detail.requestConfig.elt?.contains?.(field);  // its words are what was sent
  begun = !sent && writing() ? field.value : "";
  place = unasked || begun ? field?.id || "" : "";
}

// At once, before another key is pressed.
function takePlace({ target }) {
  const field = target.id === "doings" && byId(place);
  if (!field) return;
  field.focus();
  if (begun) field.value = begun;
}

function settled(event) {
  if (event.target.id === "talk") toTheEnd();
  if (event.target.id === "doings") {  // once more: what says autofocus has been given the focus since
    if (byId(place)) byId(place).focus();
    else focusSpeak();
  }
  if (event.target.id !== "state" || known() === last || writing()) return;
  last = known();
  refreshDoings();
}

// What may be done depends on who holds the call: ask for it anew.
function refreshDoings() {
  window.htmx.ajax("GET", `${HOME}/live/${byId("call").dataset.id}/doings`, { target: "#doings", swap: "outerHTML" });
}

function toTheEnd() {
  const box = byId("talk-scroll");
  if (box) box.scrollTop = box.scrollHeight;
}

export function callKeys() {
  return {
    l: toggleListening,
    s: toggleSpeaking,
    g: () => focus(byId("say")),
    t: () => byId("take-over")?.click(),
    b: () => byId("hand-back")?.click(),
    w: () => {
      const details = byId("wrap")?.parentElement;
      if (!details) return false;
      details.open = true;
      focus(byId("note"));
    },
    Escape: () => { location.href = `${HOME}/live`; },
  };
}

export function callsKeys() {
  const go = (step) => {
    const links = [...document.querySelectorAll(".calls th a")];
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
  };
  return { j: () => go(1), k: () => go(-1) };
}
