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
  document.body.addEventListener("htmx:afterSettle", toCurrent);
  toCurrent();
}

const steps = () => document.querySelectorAll(".steps a");

async function show(place) {
  const focused = document.activeElement?.id;
  await htmx.ajax("GET", place, { target: "#record", swap: "outerHTML" });
  history.pushState({}, "", place);
  document.getElementById(focused)?.focus();
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
}
