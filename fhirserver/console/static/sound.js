// Listening to a call, and speaking on it once it has been taken over. Where a browser has no sound, or lets no page
// have the microphone, the page says so, and everything is done by reading and typing.
import { HOME } from "./home.js";
const byId = (id) => document.getElementById(id);
const WORKLET = `${HOME}/static/sound-worklet.js`;
const HEARD_EVERY = 1000;
const AGAIN = [500, 1000, 2000, 4000];
const MOST_UNSENT = 4800;
const STATES = {
  off: "You hear nothing. To speak with your own voice, listen first.",
  opening: "Connecting …",
  listening: "Listening.",
  yours: "You have the call. The caller does not hear you.",
  speaking: "You are speaking to the caller.",
  denied: "Microphone not allowed: type instead.",
  lost: "The sound is gone. Connecting again …",
  over: "The call is over.",
  none: "The sound cannot be had: read and type instead.",
};

let id = "", socket = null, context = null, player = null, volume = null, plain = null;
let state = "off", wanted = false, microphone = null, tries = 0, heardAt = 0;

export function soundOfCall() {
  const box = byId("sound");
  if (!box) return;
  id = byId("call").dataset.id;
  box.hidden = false;
  byId("listen").addEventListener("click", toggleListening);
  byId("speak").addEventListener("click", toggleSpeaking);
  byId("volume").addEventListener("input", () => {
    if (volume) volume.gain.value = Number(byId("volume").value);
    if (plain) plain.volume = Math.min(1, Number(byId("volume").value));
  });
  addEventListener("pagehide", () => { wanted = false; socket?.close(); });
  if (sessionStorage.getItem("listening") === id) start();  // the page was loaded anew: go on
}

export function toggleListening() {
  if (!byId("sound")) return false;
  if (wanted || plain) stop(); else start();
}

export function toggleSpeaking() {
  const button = byId("speak");
  if (!button || button.disabled) return false;
  if (microphone) silence(); else speak();
}

function show(now) {
  state = now;
  byId("sound").dataset.state = now;
  const mute = context?.state === "suspended" && ["listening", "yours"].includes(now);  // until the user does something
  const words = mute ? `${STATES[now]} Press a key or click to hear it.` : STATES[now];
  const said = byId("sound-state");
  if (said.textContent !== words) said.textContent = words;
  byId("listen").setAttribute("aria-pressed", wanted || plain ? "true" : "false");
  byId("speak").disabled = !["yours", "speaking", "denied"].includes(now);
  byId("speak").setAttribute("aria-pressed", microphone ? "true" : "false");
}

// Who listens and has just taken the call is about to speak; whoever has begun to type is left alone.
export function focusSpeak() {
  if (byId("speak")?.disabled === false && !document.activeElement?.value) byId("speak").focus();
}

// listening

async function start() {
  const threaded = window.isSecureContext && window.AudioContext && "audioWorklet" in AudioContext.prototype;
  if (!threaded || !byId("sound").dataset.speaks) {
    playPlainly();
    return;
  }
  wanted = true;
  sessionStorage.setItem("listening", id);
  show("opening");
  try {
    await prepare();
    await connect();
  } catch {
    if (wanted) retry();
  }
}

async function prepare() {
  if (context) return;
  context = new AudioContext();
  await context.audioWorklet.addModule(WORKLET);
  player = new AudioWorkletNode(context, "call-player", { numberOfInputs: 0, outputChannelCount: [1] });
  volume = new GainNode(context, { gain: Number(byId("volume").value) });
  player.connect(volume).connect(context.destination);
  player.port.onmessage = ({ data }) => { byId("hearing").value = Math.min(1, data * 2); };
  context.onstatechange = () => show(state);
  context.resume();  // not waited for: without a gesture of the user it would wait for one
  addEventListener("pointerdown", () => context?.resume(), { once: true });
  addEventListener("keydown", () => context?.resume(), { once: true });
}

async function connect() {
  const answer = await fetch(`${HOME}/live/${id}/pass`, {
    method: "POST", body: new URLSearchParams({ form_token: document.body.dataset.formToken }), redirect: "error",
  });
  if (answer.status === 404) { finish("over"); return; }
  const { pass } = await answer.json();
  if (!wanted || socket) return;
  const opened = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}${HOME}/live/${id}/sound`);
  socket = opened;
  opened.binaryType = "arraybuffer";
  opened.onopen = () => opened.send(pass);
  opened.onmessage = ({ data }) => typeof data === "string" ? told(JSON.parse(data).state) : hear(data);
  opened.onclose = () => {
    if (socket !== opened) return;
    socket = null;
    if (wanted) retry();
  };
}

function retry() {
  silence();
  if (tries >= AGAIN.length) { finish("none"); return; }
  show("lost");
  setTimeout(() => wanted && connect().catch(retry), AGAIN[tries++]);
}

function told(now) {
  tries = 0;
  if (now === "over") { finish("over"); return; }
  if (now !== "yours") silence();
  show(now === "yours" && microphone ? "speaking" : now);
  focusSpeak();
}

function hear(sound) {
  player.port.postMessage(sound, [sound]);
  const now = performance.now();
  if (now - heardAt > HEARD_EVERY) {
    heardAt = now;
    socket?.send('{"heard":true}');
  }
}

function stop() {
  if (socket?.readyState === WebSocket.OPEN) socket.send('{"leave":true}');
  finish("off");
}

function finish(as) {
  wanted = false;
  sessionStorage.removeItem("listening");
  silence();
  const left = socket;
  socket = null;
  left?.close();
  const done = context;
  context = player = volume = null;
  if (done) { done.onstatechange = null; done.close(); }
  tries = 0;
  plain?.pause();
  plain?.removeAttribute("src");
  plain = null;
  byId("hearing").value = 0;
  show(as);
}

// Without an audio thread (an old browser, a page that came neither by https nor from this machine), or where nobody can
// speak on the call, the sound comes as one endless WAV.
function playPlainly() {
  plain = new Audio(`${HOME}/live/${id}/audio`);
  plain.onended = () => plain && finish("over");
  plain.play().then(() => show("listening"), () => { plain = null; show("none"); });
}

// speaking

async function speak() {
  let stream = null;
  try {
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    stream = await navigator.mediaDevices.getUserMedia({ audio });
  } catch {
    show("denied");
    byId("say")?.focus();
    return;
  }
  if (!["yours", "denied"].includes(state)) {  // the call was given back meanwhile
    for (const track of stream.getTracks()) track.stop();
    return;
  }
  const source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
  const bands = [0.518, 0.707, 1.932].map((Q) => new BiquadFilterNode(context, { type: "lowpass", frequency: 3500, Q: 20 * Math.log10(Q) }));
  const worklet = new AudioWorkletNode(context, "call-microphone", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  bands.reduce((from, to) => from.connect(to), source).connect(worklet);
  microphone = { stream, source, worklet };
  worklet.port.onmessage = ({ data }) => {
    byId("level").value = Math.min(1, data.level * 4);
    if (microphone && socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < MOST_UNSENT) socket.send(data.sound);
  };
  stream.getTracks()[0].onended = () => { silence(); if (wanted) show("yours"); };
  player?.port.postMessage({ agent: false });  // one's own voice comes back on that side
  show("speaking");
}

function silence() {
  if (!microphone) return;
  const { stream, source, worklet } = microphone;
  microphone = null;
  worklet.port.onmessage = null;
  source.disconnect();
  for (const track of stream.getTracks()) track.stop();
  player?.port.postMessage({ agent: true });
  byId("level").value = 0;
  if (state === "speaking") show("yours");
}
