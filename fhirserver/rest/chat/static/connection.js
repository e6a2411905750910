// One user's conversation over the network: whatever breaks in between, nothing is lost and nothing comes twice.
// Messages wait in an outbox, each with a key, until the server has taken them; events are asked for from the last
// number that came (Last-Event-ID).

const FIRST = 500;
const LONGEST = 15000;
const BARREN = 2;
const SOME = 16;
const QUIET = 40000; // the server beats every 15 seconds: a stream without any for so long is dead
const AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);

export class Refused extends Error {
  constructor(status, title) {
    super(title);
    this.status = status;
  }
}

const sleep = (ms, signal) =>
  new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

export class Connection extends EventTarget {
  // token: async (again) => a bearer token; again: the last one was refused
  constructor({ server, service, token }) {
    super();
    this.base = `${server}/chat/services/${encodeURIComponent(service)}/conversations`;
    this.service = service;
    this.token = token;
    this.id = "";
    this.last = 0;
    this.ended = false;
    this.connected = true;
    this.outbox = [];
    this.closing = new AbortController();
    this.nudge = new AbortController();
    this.online = () => this.hurry();
    globalThis.addEventListener("online", this.online);
  }

  close() {
    this.closing.abort();
    this.nudge.abort();
    globalThis.removeEventListener("online", this.online);
  }

  hurry() {
    this.nudge.abort();
    this.nudge = new AbortController();
  }

  tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  // The active conversation of the user, and everything in it as it comes.
  async begin() {
    const told = await this.insist("POST", this.base);
    this.id = told.id;
    this.tell("begun", told);
    this.restore();
    this.keep();
    this.flush();
    this.follow();
    return told;
  }

  async ask(method, url, options = {}) {
    let answer = await this.once(method, url, options, false);
    if (answer.status === 401) answer = await this.once(method, url, options, true);
    return answer;
  }

  async once(method, url, { headers = {}, body, signal } = {}, again) {
    const authorization = `Bearer ${await this.token(again)}`;
    const stop = signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal;
    return fetch(url, { method, headers: { authorization, ...headers }, body, signal: stop, cache: "no-store" });
  }

  // Ask until there is an answer that asking again would not change.
  async insist(method, url, options = {}) {
    for (let pause = FIRST; ; pause = Math.min(pause * 2, LONGEST)) {
      try {
        const answer = await this.ask(method, url, options);
        if (answer.ok) {
          this.reach(true);
          return await answer.json();
        }
        if (!AGAIN.has(answer.status)) throw new Refused(answer.status, await title(answer));
      } catch (error) {
        if (error instanceof Refused || this.closing.signal.aborted) throw error;
      }
      this.reach(false);
      await this.pause(pause);
    }
  }

  reach(connected) {
    if (this.connected !== connected) this.tell("connection", connected);
    this.connected = connected;
  }

  pause(ms) {
    return sleep(ms * (0.5 + Math.random() / 2), this.nudge.signal);
  }

  // events

  async follow() {
    let pause = FIRST;
    let barren = 0; // attempts in a row that brought nothing
    while (!this.ended && !this.closing.signal.aborted) {
      const before = this.last;
      let whole = false;
      try {
        whole = barren < BARREN ? await this.stream() : await this.some(Math.max(1, SOME >> (barren - BARREN)));
      } catch (error) {
        if (error instanceof Refused) return this.tell("refused", error);
      }
      if (this.ended || this.closing.signal.aborted) return;
      if (this.last > before) pause = FIRST;
      if (barren >= BARREN && whole && this.last > before) continue; // there may be more
      barren = this.last > before || whole ? 0 : barren + 1;
      this.reach(false);
      await this.pause(pause);
      pause = Math.min(pause * 2, LONGEST);
    }
  }

  // Where streams break before anything of them arrives, events are fetched a few at a time: whole answers, which are
  // short enough where fewer are asked for. Whether there was an answer.
  async some(limit) {
    const url = `${this.base}/${this.id}/events?after=${this.last}&limit=${limit}`;
    const answer = await this.ask("GET", url, { headers: { accept: "application/json" } });
    if (!answer.ok) {
      if (AGAIN.has(answer.status)) return false;
      throw new Refused(answer.status, await title(answer));
    }
    const { events } = await answer.json();
    this.reach(true);
    events.forEach((event) => this.arrive(event));
    return true;
  }

  async stream() {
    const dead = new AbortController();
    let timer = setTimeout(() => dead.abort(), QUIET);
    try {
      const answer = await this.ask("GET", `${this.base}/${this.id}/events`, {
        headers: { accept: "text/event-stream", "last-event-id": String(this.last) },
        signal: dead.signal,
      });
      if (!answer.ok) {
        if (AGAIN.has(answer.status)) return;
        throw new Refused(answer.status, await title(answer));
      }
      this.reach(true);
      // Read as it is: what waits between the stages of a pipe is thrown away when the connection breaks.
      const reader = answer.body.getReader();
      const decoder = new TextDecoder();
      for (let rest = ""; ; ) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => dead.abort(), QUIET);
        const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
        rest = parts.pop();
        for (const part of parts) this.take(part);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  take(part) {
    const data = part
      .split("\n")
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5).trimStart())
      .join("\n");
    if (data) this.arrive(JSON.parse(data));
  }

  arrive(event) {
    if (event.number <= this.last) return;
    this.last = event.number;
    if (event.kind === "ended") this.ended = true;
    this.tell("event", event);
  }

  // what the user sends

  restore() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.place) || "[]");
      for (const one of kept) this.enqueue({ key: one.key, text: one.text, restored: true });
    } catch {
      // a storage that cannot be read holds nothing
    }
  }

  get place() {
    return `credence-chat:${this.service}:${this.id}`;
  }

  keep() {
    if (!this.id) return; // what is written before the conversation has begun is kept when it has
    const texts = this.outbox.filter((one) => one.text).map(({ key, text }) => ({ key, text }));
    try {
      sessionStorage.setItem(this.place, JSON.stringify(texts));
    } catch {
      // without a storage what is unsent is lost with the page
    }
  }

  // text, or file with a name
  enqueue(item) {
    const one = { key: fresh(), state: "unsent", ...item };
    this.outbox.push(one);
    this.keep();
    this.tell("outbox", one);
    this.flush();
    return one;
  }

  async flush() {
    if (this.flushing || !this.id) return;
    this.flushing = true;
    try {
      let pause = FIRST;
      while (this.outbox.length && !this.closing.signal.aborted) {
        const one = this.outbox[0];
        this.mark(one, "sending");
        const taken = await this.deliver(one);
        if (taken) {
          pause = FIRST;
          this.outbox.shift();
          this.keep();
          continue;
        }
        this.mark(one, "unsent");
        await this.pause(pause);
        pause = Math.min(pause * 2, LONGEST);
      }
    } finally {
      this.flushing = false;
    }
  }

  mark(one, state, reason) {
    one.state = state;
    this.tell("outbox", Object.assign(one, { reason }));
  }

  // Whether the server has it, or will never take it.
  async deliver(one) {
    const place = one.file ? `attachments?title=${encodeURIComponent(one.name || "")}` : "messages";
    const headers = {
      accept: "application/x-ndjson",
      "idempotency-key": one.key,
      "content-type": one.file ? one.file.type : "application/json",
    };
    const body = one.file || JSON.stringify({ text: one.text });
    try {
      const answer = await this.ask("POST", `${this.base}/${this.id}/${place}`, { headers, body });
      if (answer.ok) {
        one.number = await firstNumber(answer);
        this.mark(one, "sent");
        return true;
      }
      if (AGAIN.has(answer.status)) return false;
      this.mark(one, "refused", await title(answer));
      return true;
    } catch {
      return false;
    }
  }

  seen(number) {
    return this.ask("POST", `${this.base}/${this.id}/seen`, {
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ number }),
    }).catch(() => undefined);
  }

  finish() {
    return this.insist("POST", `${this.base}/${this.id}/finish`);
  }

  rate(stars, comment) {
    return this.insist("POST", `${this.base}/${this.id}/rating`, {
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ stars, comment }),
    });
  }
}

// The number of the event that a message became: the first line of the answer. The rest comes as events anyway.
async function firstNumber(answer) {
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  try {
    for (let text = ""; ; ) {
      const { value, done } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      const line = text.split("\n").find((one, i, all) => one.trim() && i < all.length - 1);
      if (line) return JSON.parse(line).number;
      if (done) return undefined;
    }
  } catch {
    return undefined; // it was taken: the answer had begun
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function title(answer) {
  try {
    return (await answer.json()).title || answer.statusText;
  } catch {
    return answer.statusText;
  }
}

// randomUUID is there in secure contexts only
const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
