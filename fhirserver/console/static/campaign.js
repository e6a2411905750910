// Campaigns: the page asks again for its figures when the server says that they have changed; steering asks first.
import { HOME } from "./home.js";
const GATHER = 700;
const byId = (id) => document.getElementById(id);
const WORDS = {
  Pause: "Nobody is contacted until it is resumed. Calls and conversations that go on are not ended.",
  Resume: "Those who are due are contacted again, as the hours allow.",
  Cancel: "Nobody is contacted any more. This cannot be undone.",
};

export function followCampaigns() {
  const box = byId("campaign") || byId("campaigns");
  const path = box.dataset.id ? `${HOME}/campaigns/${box.dataset.id}/events` : `${HOME}/campaigns/events`;
  const source = new EventSource(`${path}?after=${box.dataset.after}`);
  let waiting = 0;
  source.addEventListener("campaign", () => {
    waiting ||= setTimeout(() => { waiting = 0; document.body.dispatchEvent(new CustomEvent("campaign-changed")); }, GATHER);
  });
  source.onopen = () => document.body.setAttribute("data-following", "yes");
  addEventListener("pagehide", () => source.close());
  document.body.addEventListener("htmx:beforeSwap", remember);
  document.body.addEventListener("htmx:afterSettle", restore);
  document.addEventListener("submit", ask);
  byId("steer-no")?.addEventListener("click", () => byId("steer").close());
}

// Drawn anew, the page keeps the focus and what was opened, and tells when the state is another.
let focused = "", opened = [], state = "";
function remember() {
  focused = document.activeElement?.id || "";
  opened = [...document.querySelectorAll("#campaign details[open]")].map((one) => one.closest("section").getAttribute("aria-labelledby"));
  state = byId("campaign")?.dataset.state || "";
}

function restore() {
  for (const name of opened) document.querySelector(`section[aria-labelledby="${name}"] details`)?.setAttribute("open", "");
  if (focused) (byId(focused) || byId({ pause: "resume", resume: "pause" }[focused]))?.focus();
  const now = byId("campaign")?.dataset.state || "";
  if (now !== state) byId("announcer").textContent = `The campaign is ${now}.`;
}

function ask(event) {
  const form = event.target.closest("form.steering");
  if (!form) return;
  event.preventDefault();
  byId("steer-form").action = form.action;
  byId("steer-what").textContent = form.dataset.what;
  byId("steer-words").textContent = WORDS[form.dataset.what];
  byId("steer-yes").textContent = `Yes, ${form.dataset.what.toLowerCase()} it`;
  byId("steer").showModal();
  byId("steer-yes").focus();
}

export function campaignKeys() {
  return {
    p: () => (byId("pause") || byId("resume"))?.click(),
    x: () => byId("cancel")?.click(),
    Escape: () => { location.href = `${HOME}/campaigns`; },
  };
}
