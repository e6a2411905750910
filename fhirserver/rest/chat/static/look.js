// How the widget looks: one style sheet and one template, both within its shadow.

export const SHEET = `
:host { --ink: #17212b; --soft: #55636f; --paper: #ffffff; --ground: #f3f6f8; --line: #d5dde3; --mine: #0b5d6b;
  --mine-ink: #ffffff; --theirs: #ffffff; --accent: #0b5d6b; --warn: #8a3b00; --warn-ground: #fff3e6; --focus: #1463ff;
  font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--ink); color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :host { --ink: #e8eef2; --soft: #a9b7c1; --paper: #151c22; --ground: #0e1418;
  --line: #33404a; --mine: #17707e; --mine-ink: #ffffff; --theirs: #1f2931; --accent: #5cc3d2; --warn: #ffc38a;
  --warn-ground: #3a2614; --focus: #8ab4ff; } .mine { --mine: #12606d; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
button, textarea, input { font: inherit; color: inherit; }
button { cursor: pointer; border: 0; background: none; border-radius: 10px; min-height: 44px; min-width: 44px; }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.launch { position: fixed; right: max(20px, env(safe-area-inset-right)); bottom: max(20px, env(safe-area-inset-bottom));
  width: 60px; height: 60px; border-radius: 50%; background: var(--mine); color: #fff; display: grid;
  place-items: center; box-shadow: 0 6px 24px rgb(0 0 0 / .28); z-index: 2147483000; }
.launch svg { width: 28px; height: 28px; }
.badge { position: absolute; top: -2px; right: -2px; min-width: 24px; height: 24px; border-radius: 12px; padding: 0 6px;
  background: #b3261e; color: #fff; font-size: 13px; font-weight: 700; line-height: 24px; text-align: center; }
.panel { position: fixed; right: max(20px, env(safe-area-inset-right)); bottom: max(20px, env(safe-area-inset-bottom));
  width: 392px; height: min(660px, calc(100dvh - 40px)); display: flex; flex-direction: column; overflow: hidden;
  background: var(--paper); border: 1px solid var(--line); border-radius: 18px; z-index: 2147483000;
  box-shadow: 0 18px 60px rgb(0 0 0 / .28); }
:host([inline]) { display: block; height: 100%; }
:host([inline]) .panel { position: static; width: 100%; height: 100%; box-shadow: none; }
:host([inline]) .launch, :host([inline]) .close { display: none; }
@media (max-width: 520px) { :host(:not([inline])) .panel { inset: 0; width: 100%; height: 100dvh; border: 0;
  border-radius: 0; } }
header { display: flex; align-items: center; gap: 10px; padding: 10px 8px 10px 16px; background: var(--mine); color: #fff; }
.mark { width: 36px; height: 36px; border-radius: 50%; background: rgb(255 255 255 / .16); display: grid;
  place-items: center; flex: none; }
.mark svg, header button svg { width: 20px; height: 20px; }
header .who { flex: 1; min-width: 0; }
h2 { margin: 0; font-size: 16px; font-weight: 650; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.state { font-size: 13px; margin: 0; color: #f2fafb; }
header button { color: #fff; display: grid; place-items: center; padding: 0; }
header button:hover { background: rgb(255 255 255 / .14); }
header :focus-visible { outline-color: #fff; }
.notice { padding: 8px 16px; font-size: 14px; background: var(--warn-ground); color: var(--warn); margin: 0;
  display: flex; gap: 8px; align-items: center; }
.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 16px; background: var(--ground);
  display: flex; flex-direction: column; gap: 4px; scrollbar-width: thin; }
.log > :first-child { margin-top: auto; }
.bubble { max-width: 85%; padding: 9px 13px; border-radius: 16px; overflow-wrap: anywhere; white-space: pre-wrap;
  animation: rise .18s ease-out; }
.theirs { align-self: flex-start; background: var(--theirs); border: 1px solid var(--line); border-bottom-left-radius: 5px; }
.mine { align-self: flex-end; background: var(--mine); color: var(--mine-ink); border-bottom-right-radius: 5px; }
.by { font-size: 12px; color: var(--soft); margin: 10px 4px 2px; align-self: flex-start; }
.by.own { align-self: flex-end; }
.note { align-self: flex-end; font-size: 12.5px; color: var(--soft); margin: 0 4px 4px; display: flex; gap: 6px;
  align-items: center; }
.note.bad { color: var(--warn); font-weight: 600; }
.note button { min-height: 28px; min-width: 0; padding: 0 8px; color: var(--accent); font-weight: 600;
  text-decoration: underline; }
.unsent { opacity: .72; }
.picture { display: block; max-width: 220px; max-height: 160px; border-radius: 10px; background: var(--paper); }
.file { display: flex; gap: 8px; align-items: center; }
.file svg { width: 20px; height: 20px; flex: none; }
.dots { display: inline-flex; gap: 5px; padding: 14px; }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: blink 1.2s infinite; }
.dots i:nth-child(2) { animation-delay: .2s; } .dots i:nth-child(3) { animation-delay: .4s; }
@keyframes blink { 0%, 60%, 100% { opacity: .25; } 30% { opacity: 1; } }
@keyframes rise { from { opacity: 0; transform: translateY(6px); } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; scroll-behavior: auto !important; } }
.preview { display: flex; align-items: center; gap: 10px; padding: 8px 12px; border-top: 1px solid var(--line); }
.preview img { width: 52px; height: 40px; object-fit: cover; border-radius: 6px; border: 1px solid var(--line); }
.preview span { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 14px; }
.preview svg { width: 20px; height: 20px; }
form.write { display: flex; align-items: flex-end; gap: 6px; padding: 8px 8px max(8px, env(safe-area-inset-bottom));
  border-top: 1px solid var(--line); background: var(--paper); }
textarea { flex: 1; resize: none; border: 1px solid #77858f; border-radius: 14px; background: var(--paper);
  padding: 10px 12px; min-height: 44px; max-height: 132px; min-width: 0; }
form.write button { display: grid; place-items: center; padding: 0; }
form.write svg { width: 22px; height: 22px; }
.attach { color: var(--accent); }
.attach:hover, .preview button:hover { background: var(--ground); }
.send { background: var(--mine); color: #fff; border-radius: 50%; }
.over { padding: 14px 16px; border-top: 1px solid var(--line); display: grid; gap: 10px; background: var(--paper); }
.over p { margin: 0; }
fieldset { border: 0; margin: 0; padding: 0; display: flex; align-items: center; }
legend { padding: 0; font-weight: 600; }
.stars label { position: relative; width: 44px; height: 44px; display: grid; place-items: center; color: #77858f; }
.stars input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
.stars svg { width: 30px; height: 30px; fill: none; stroke: currentColor; stroke-width: 1.6; pointer-events: none; }
.stars label.on { color: #c77700; } .stars label.on svg { fill: currentColor; }
@media (prefers-color-scheme: dark) { .stars label.on { color: #ffb74d; } }
.stars label:has(:focus-visible) { outline: 3px solid var(--focus); border-radius: 8px; }
.row { display: flex; gap: 8px; }
.main { background: var(--mine); color: #fff; padding: 0 16px; font-weight: 600; }
.plain { border: 1px solid #77858f; padding: 0 16px; }
.aside { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

const icon = (path) =>
  `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round"
   stroke-linejoin="round" aria-hidden="true">${path}</svg>`;

export const STAR = icon('<path d="m12 3.6 2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9-4.3-4.1 5.9-.8z"/>');
export const FILE = icon('<path d="M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5"/>');
const BUBBLE = icon('<path d="M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12z"/>');
const CROSS = icon('<path d="M6 6l12 12M18 6 6 18"/>');
const CLIP = icon('<path d="M20 11.5 12.4 19a5 5 0 0 1-7-7L13 4.4a3.3 3.3 0 0 1 4.7 4.7l-7.6 7.5a1.7 1.7 0 0 1-2.4-2.4l6.9-6.8"/>');
const PLANE = icon('<path d="M12 19V5M5.5 11.5 12 5l6.5 6.5"/>');
const DOOR = icon('<path d="M9 4H5v16h4M16 16l4-4-4-4M20 12H10"/>');

export const shape = (words) => `
<button class="launch" part="launch" aria-expanded="false">${BUBBLE}<span class="badge" hidden></span>
  <span class="aside label">${words.open}</span></button>
<section class="panel" part="panel" aria-labelledby="title" hidden>
  <header><span class="mark">${BUBBLE}</span>
    <div class="who"><h2 id="title">${words.title}</h2><p class="state">${words.assistant}</p></div>
    <button class="finish" title="${words.finish}" aria-label="${words.finish}">${DOOR}</button>
    <button class="close" title="${words.close}" aria-label="${words.close}">${CROSS}</button></header>
  <p class="notice" hidden></p>
  <div class="log" role="region" tabindex="0" aria-label="${words.log}"></div>
  <div class="aside told" role="log" aria-live="polite" aria-relevant="additions"></div>
  <div class="aside status" role="status"></div>
  <div class="over" hidden><p class="why">${words.ended}</p>
    <form class="rating"><fieldset class="stars"><legend>${words.rate}</legend></fieldset>
      <div class="row"><button class="main" disabled>${words.submit}</button>
      <button type="button" class="plain fresh">${words.fresh}</button></div></form></div>
  <div class="preview" hidden><img alt=""><span></span>
    <button type="button" aria-label="${words.remove}">${CROSS}</button></div>
  <form class="write">
    <button type="button" class="attach" title="${words.attach}" aria-label="${words.attach}">${CLIP}</button>
    <input type="file" accept="image/jpeg,image/png,application/pdf" hidden>
    <textarea rows="1" maxlength="4000" placeholder="${words.write}" aria-label="${words.write}"></textarea>
    <button class="send" title="${words.send}" aria-label="${words.send}">${PLANE}</button></form>
</section>`;
