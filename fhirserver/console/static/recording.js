// A call that is over: its turns and the picture of its sound lead to their place in the recording.
import { HOME } from "./home.js";
const byId = (id) => document.getElementById(id);
const turns = () => [...document.querySelectorAll("#said li[data-at]")];

export function playBack() {
  const player = byId("player");
  if (!player) return;
  byId("said")?.addEventListener("click", (event) => {
    const turn = event.target.closest("li[data-at]");
    if (!turn || event.ctrlKey || event.metaKey || event.shiftKey || String(getSelection())) return;
    event.preventDefault();
    playFrom(Number(turn.dataset.at));
  });
  byId("strip")?.addEventListener("click", (event) => {
    const box = byId("strip").getBoundingClientRect();
    playFrom((event.clientX - box.left) / box.width * seconds());
  });
  for (const name of ["timeupdate", "seeked"]) player.addEventListener(name, show);
}

const seconds = () => Number(byId("sound").dataset.seconds) || byId("player").duration || 0;

function playFrom(at) {
  const player = byId("player");
  player.currentTime = at;
  player.play().catch(() => {});
}

// The turn that is heard now is marked, and the line in the picture stands where the sound is.
function show() {
  const at = byId("player").currentTime;
  const heard = turns().filter((turn) => Number(turn.dataset.at) <= at + 0.05).pop();
  for (const turn of turns()) {
    turn === heard ? turn.setAttribute("aria-current", "true") : turn.removeAttribute("aria-current");
  }
  for (const one of document.querySelectorAll(".stretch")) one.classList.toggle("now", one.dataset.turn === heard?.id.slice(5));
  const place = `${Math.min(100, 100 * at / (seconds() || 1))}%`;
  byId("head")?.setAttribute("x1", place);
  byId("head")?.setAttribute("x2", place);
}

export function recordingKeys() {
  const go = (step) => {
    const links = turns().map((turn) => turn.querySelector("a"));
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
  };
  return {
    j: () => go(1),
    k: () => go(-1),
    p: () => {
      const player = byId("player");
      if (!player) return false;
      player.paused ? player.play().catch(() => {}) : player.pause();
    },
    Escape: () => { location.href = `${HOME}/calls`; },
  };
}
