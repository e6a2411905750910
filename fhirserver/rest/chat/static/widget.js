// <credence-chat>: the chat of a practice in any page.
//
//   <script type="module" src="https://practice.example/chat/widget.js"></script>
//   <credence-chat service="app" token-url="/my/credence-token"></credence-chat>
//
// Attributes: server (default: where this script came from), service, lang (en, es), token-url (POST, answers
// {"token": …}), inline (fills its container), open. In place of token-url the property `token` may be set: an async
// function that gives the user's token.
import { Connection } from "./widget/connection.js";
import { Log } from "./widget/log.js";
import { SHEET, STAR, shape } from "./widget/look.js";
import { wordsOf } from "./widget/words.js";

const HERE = new URL("..", import.meta.url).href;
const MOST_BYTES = 6 * 1024 * 1024;
const LONG_SIDE = 2400;
const KINDS = ["image/jpeg", "image/png", "application/pdf"];

class CredenceChat extends HTMLElement {
  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(SHEET);
    this.root = this.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = [sheet];
  }

  connectedCallback() {
    if (this.words) return;
    this.words = wordsOf(this.getAttribute("lang") || document.documentElement.lang || navigator.language);
    this.root.innerHTML = shape(this.words);
    this.part_ = (name) => this.root.querySelector(name);
    this.log = new Log(this.part_(".log"), this.part_(".told"), this.words, (one) => this.resend(one));
    this.wire();
    if (this.hasAttribute("inline") || this.hasAttribute("open")) this.open(false);
  }

  disconnectedCallback() {
    this.connection?.close();
  }

  wire() {
    const on = (name, kind, act) => this.part_(name).addEventListener(kind, act);
    on(".launch", "click", () => this.open());
    on(".close", "click", () => this.shut());
    on(".finish", "click", () => this.connection?.finish().catch(() => undefined));
    on(".fresh", "click", () => this.fresh());
    on(".attach", "click", () => this.part_("input[type=file]").click());
    on("input[type=file]", "change", (event) => this.choose(event.target));
    on(".preview button", "click", () => (this.hold(undefined), this.part_(".attach").focus()));
    on("form.write", "submit", (event) => (event.preventDefault(), this.submit()));
    on("textarea", "input", (event) => this.grow(event.target));
    on("textarea", "keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    on("textarea", "paste", (event) => {
      const file = [...event.clipboardData.files].find((one) => KINDS.includes(one.type));
      if (file) event.preventDefault(), this.take(file);
    });
    on(".panel", "keydown", (event) => {
      if (event.key === "Escape" && !this.hasAttribute("inline")) this.shut();
    });
    on(".rating", "submit", (event) => (event.preventDefault(), this.rate()));
    this.stars();
    document.addEventListener("visibilitychange", () => this.looked());
  }

  stars() {
    const field = this.part_(".stars");
    for (let n = 1; n <= 5; n += 1) {
      const label = document.createElement("label");
      label.innerHTML = `<input type="radio" name="stars" value="${n}">${STAR}`;
      label.firstChild.setAttribute("aria-label", this.words.stars(n));
      field.append(label);
    }
    field.addEventListener("change", () => {
      const chosen = Number(field.querySelector(":checked")?.value || 0);
      field.querySelectorAll("label").forEach((label, i) => label.classList.toggle("on", i < chosen));
      this.part_(".rating .main").disabled = !chosen;
    });
  }

  open(focus = true) {
    this.part_(".panel").hidden = false;
    this.part_(".launch").hidden = true;
    this.part_(".launch").setAttribute("aria-expanded", "true");
    if (!this.connection) this.connect();
    if (focus) this.part_("textarea").focus();
    this.log.down();
    this.looked();
  }

  shut() {
    this.part_(".panel").hidden = true;
    this.part_(".launch").hidden = false;
    this.part_(".launch").setAttribute("aria-expanded", "false");
    this.part_(".launch").focus();
  }

  async connect() {
    const server = (this.getAttribute("server") || HERE).replace(/\/$/, "");
    const service = this.getAttribute("service") || "default";
    this.unread = 0;
    this.log.quiet = true;
    this.connection = new Connection({ server, service, token: (again) => this.authorize(again) });
    this.connection.addEventListener("event", ({ detail }) => this.took(detail));
    this.connection.addEventListener("outbox", ({ detail }) => this.log.outgoing(detail));
    this.connection.addEventListener("connection", ({ detail }) => this.reached(detail));
    this.connection.addEventListener("refused", ({ detail }) => this.refused(detail));
    this.connection.addEventListener("begun", ({ detail }) => this.begun(detail));
    await this.connection.begin().catch((error) => this.refused(error));
  }

  begun(told) {
    this.before = told.last; // what is older was there before: it is not read aloud
    this.log.quiet = told.last > 0;
    this.part_("h2").textContent = this.getAttribute("title") || told.title || this.words.title;
  }

  async authorize(again) {
    if (this.token) return this.token(again);
    if (this.kept && !again) return this.kept;
    const answer = await fetch(this.getAttribute("token-url"), { method: "POST", cache: "no-store" });
    if (!answer.ok) throw new Error("no token");
    this.kept = (await answer.json()).token;
    return this.kept;
  }

  took(event) {
    this.log.take(event);
    if (event.number >= this.before) this.log.quiet = false;
    if (event.kind === "state") this.state(event.state);
    if (event.kind === "ended") this.over();
    if (event.kind === "message" && event.from !== "user") this.arrived();
    this.dispatchEvent(new CustomEvent("credence-event", { detail: event }));
  }

  arrived() {
    if (!this.looked()) this.count(this.unread + 1);
  }

  // Whether the user sees the messages now; then they count as read.
  looked() {
    const sees = !this.part_(".panel").hidden && document.visibilityState === "visible";
    if (sees) {
      this.count(0);
      clearTimeout(this.reading);
      this.reading = setTimeout(() => this.connection?.id && this.connection.seen(this.connection.last), 1500);
    }
    return sees;
  }

  count(unread) {
    this.unread = unread;
    const badge = this.part_(".badge");
    badge.hidden = !unread;
    badge.textContent = unread;
    const label = unread ? `${this.words.open}, ${this.words.unread(unread)}` : this.words.open;
    this.part_(".launch .label").textContent = label;
  }

  state(state) {
    const words = { waiting: this.words.waiting, person: this.words.withPerson };
    this.part_(".state").textContent = words[state] || this.words.assistant;
    if (words[state]) this.part_(".status").textContent = words[state];
  }

  reached(connected) {
    this.notice(connected ? "" : this.words.offline);
    this.part_(".status").textContent = connected ? this.words.back : this.words.offline;
  }

  refused(error) {
    this.notice(error?.status === 401 || error?.status === 403 ? this.words.signIn : this.words.trouble);
  }

  notice(text) {
    this.part_(".notice").hidden = !text;
    this.part_(".notice").textContent = text;
  }

  over() {
    this.part_(".over").hidden = false;
    this.part_("form.write").hidden = true;
    this.part_(".finish").hidden = true;
    this.hold(undefined);
    this.part_(".status").textContent = this.words.ended;
    this.log.down();
  }

  async rate() {
    const stars = Number(this.part_(".stars :checked").value);
    await this.connection.rate(stars, "").catch(() => undefined);
    this.part_(".stars").hidden = true;
    this.part_(".rating .main").hidden = true;
    this.part_(".why").textContent = this.words.thanks;
    this.part_(".status").textContent = this.words.thanks;
    this.part_(".fresh").focus();
  }

  fresh() {
    this.connection.close();
    this.log.clear();
    this.part_(".over").hidden = true;
    this.part_("form.write").hidden = false;
    this.part_(".finish").hidden = false;
    this.part_(".stars").hidden = this.part_(".rating .main").hidden = false;
    this.part_(".rating").reset();
    this.part_(".stars").dispatchEvent(new Event("change"));
    this.part_(".why").textContent = this.words.ended;
    this.state("agent");
    this.notice("");
    this.connect();
    this.part_("textarea").focus();
  }

  // sending

  submit() {
    const area = this.part_("textarea");
    const text = area.value.trim();
    if (!this.connection || this.connection.ended || (!text && !this.held)) return;
    if (this.held) this.connection.enqueue(this.held);
    this.hold(undefined);
    if (text) this.connection.enqueue({ text });
    area.value = "";
    this.grow(area);
    area.focus();
  }

  resend({ text, file, name, preview }) {
    this.connection.enqueue(file ? { file, name, preview } : { text });
  }

  grow(area) {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, 132)}px`;
  }

  choose(input) {
    if (input.files[0]) this.take(input.files[0]);
    input.value = "";
  }

  async take(file) {
    if (!KINDS.includes(file.type)) return this.notice(this.words.kind);
    const small = file.type === "application/pdf" ? file : await shrunk(file);
    if (small.size > MOST_BYTES) return this.notice(this.words.large);
    this.notice("");
    this.hold({ file: small, name: file.name, preview: URL.createObjectURL(small) });
    return this.part_("textarea").focus();
  }

  hold(held) {
    this.held = held;
    this.part_(".preview").hidden = !held;
    this.log.down();
    if (!held) return;
    this.part_(".preview img").hidden = held.file.type === "application/pdf";
    this.part_(".preview img").src = held.preview;
    this.part_(".preview span").textContent = held.name;
  }
}

// A photo no larger than it need be; what the browser cannot decode goes as it is.
async function shrunk(file) {
  if (file.size < MOST_BYTES / 4) return file;
  try {
    const image = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONG_SIDE / Math.max(image.width, image.height));
    const canvas = new OffscreenCanvas(Math.round(image.width * scale), Math.round(image.height * scale));
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.88 });
  } catch {
    return file;
  }
}

if (!customElements.get("credence-chat")) customElements.define("credence-chat", CredenceChat);
