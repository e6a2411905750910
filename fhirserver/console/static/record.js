// A patient's record: the slider over what happened to it, and popovers that Escape closes (WCAG 1.4.13).
export function timeTravel() {
  document.addEventListener("input", (event) => {
    if (event.target.id !== "slider") return;
    const at = steps()[event.target.value];
    event.target.setAttribute("aria-valuetext", at.dataset.when);
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "slider") show(steps()[event.target.value].getAttribute("href"));
  });
  document.addEventListener("click", (event) => {
    const step = event.target.closest?.(".steps a");
    if (!step || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(step.getAttribute("href"));
  });
  addEventListener("popstate", () => location.reload());
  toCurrent();
}

const steps = () => document.querySelectorAll(".steps a");

// Only the moment asked for last is shown, however fast the slider moves.
let asked;

async function show(place) {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  try {
    const answer = await fetch(place, { headers: { "HX-Request": "true" }, signal });
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) return location.assign(elsewhere);
    put(await answer.text(), place);
  } catch (error) {
    if (!signal.aborted) location.assign(place);
  }
}

function put(html, place) {
  const focused = document.activeElement?.id;
  htmx.swap("#record", html, { swapStyle: "outerHTML", settleDelay: 0 });
  history.pushState({}, "", place);
  document.getElementById(focused)?.focus();
  toCurrent();
}

function toCurrent() {
  const list = document.querySelector(".steps");
  const at = list?.querySelector(".current");
  if (at) list.scrollTop = at.offsetTop - list.offsetTop - list.clientHeight / 2;
}

export function popovers() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const one of document.querySelectorAll(".lineage:hover, .lineage:focus-within")) one.classList.add("shut");
  });
  for (const name of ["focusout", "mouseout"]) {
    document.addEventListener(name, (event) => {
      const one = event.target.closest?.(".lineage.shut");
      if (one && !one.contains(event.relatedTarget)) one.classList.remove("shut");
    });
  }
  for (const name of ["focusin", "mouseover"]) {
    document.addEventListener(name, (event) => {
      const one = event.target.closest?.(".lineage");
      if (one && !one.contains(event.relatedTarget)) place(one);
    });
  }
  for (const one of document.querySelectorAll(".lineage:hover, .lineage:focus-within")) place(one);  // opened before this script ran
}

// Above its value where there is more room than below; who came by keyboard then sees all of it.
function place(one) {
  const at = one.getBoundingClientRect();
  const popover = one.querySelector(".popover");
  const below = window.innerHeight - at.bottom;
  one.classList.toggle("above", popover.offsetHeight > below && at.top > below);
  if (one.matches(":focus-within")) popover.scrollIntoView({ block: "nearest" });
}
