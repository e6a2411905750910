// What happens in the queue, as the server tells it: the page is told by events of its body, the reader by few words.
import { HOME } from "./home.js";
const SAID = { new: "new", held: "held", free: "given back", decided: "decided" };

export function listen() {
  const { position, operator } = document.body.dataset;
  const source = new EventSource(`${HOME}/events?after=${position}`);
  source.addEventListener("queue", (event) => {
    const { happened } = JSON.parse(event.data);
    const others = happened.filter((one) => one.by !== operator);
    if (others.length) announce(others);
    document.body.dispatchEvent(new CustomEvent("queue-changed"));
    const shown = document.getElementById("item")?.dataset.id;
    if (happened.some((one) => one.id === shown)) document.body.dispatchEvent(new CustomEvent("item-changed"));
  });
  source.onopen = () => document.body.setAttribute("data-live", "yes");
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) document.getElementById("ended").hidden = false;
  };
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

function announce(happened) {
  const told = Object.keys(SAID).map((what) => sentence(what, happened.filter((one) => one.what === what)));
  const text = told.filter(Boolean).join(" ");
  if (text) document.getElementById("announcer").textContent = text;
}

function sentence(what, happened) {
  if (!happened.length) return "";
  if (happened.length > 1) return `${happened.length} items ${SAID[what]}.`;
  const [{ about, by }] = happened;
  return what === "new" ? `New: ${about}.` : `${about}: ${SAID[what]} by ${by}.`;
}
