// The camera in the host's console: [data-camera] with its preview, choices, buttons and words.
//
// It tells others by events that bubble from the element:
//   camera:state    { name, kbps, isSlow }   whenever that changes; names: Sender's NAMES
//   camera:caption  { text, lang, at }       a phrase that was said, at the server's time in ms
// It listens to:
//   data-on-air     on the element: viewers see what is sent
//   camera:leaving  on the document: the page is about to be left on purpose, don't ask
// A page that is loaded anew while the camera was sending goes on sending by itself.

import { isFacingUser, list, open, remember, remembered, troubleOf } from "./devices.js";
import { formatFor } from "./formats.js";
import { Awake, Leaving } from "./leaving.js";
import { watchLevel } from "./level.js";
import { Presses } from "./presses.js";
import { Sender } from "./sender.js";
import { Captions, Recognition, dialect } from "./speech.js";

class Camera {
  constructor(root) {
    this.root = root;
    this.texts = JSON.parse(root.dataset.texts);
    this.video = this.#part("preview");
    this.choices = remembered(localStorage);
    // There, how the phone is held decides.
    this.isHandheld = matchMedia("(hover: none) and (pointer: coarse)").matches;
    this.stream = null;
    this.opening = 0;
    this.isOpening = false;
    this.isMuted = false;
    this.error = "";
    this.presses = new Presses();
    this.awake = new Awake();
    this.leaving = new Leaving({
      key: root.dataset.addressUrl,
      isOn: () => this.sender.isOn,
      stop: () => this.stop(),
    });
    this.stopLevel = () => {};
    this.format = formatFor((mime) => globalThis.MediaRecorder?.isTypeSupported(mime) ?? false);
    this.sender = new Sender({
      fetchAddress: () => this.#fetchAddress(),
      onState: (state) => this.#heard(state),
      onHealth: (health) => {
        this.health = health;
        this.#show();
      },
    });
    this.state = { name: "stopped", code: "", text: "", isSlow: false, kbps: 0 };
    this.health = null;
    this.#fillIn();
    this.#listen();
    this.#show();
    if (this.leaving.wasOn()) this.turnOn().then((isOn) => isOn && this.go());
  }

  // --- What can be done -------------------------------------------------------------------------

  async turnOn() {
    if (!globalThis.isSecureContext) return this.#complain("notSecure");
    if (!navigator.mediaDevices?.getUserMedia || this.format === null) {
      return this.#complain("noSupport");
    }
    const opening = (this.opening += 1);
    this.isOpening = true;
    this.error = "";
    this.#show();
    // Phones open one camera at a time.
    this.#letGo();
    try {
      const { stream, isSilent } = await open(navigator.mediaDevices, {
        ...this.choices,
        shape: this.shape,
        isHandheld: this.isHandheld,
      });
      if (opening !== this.opening) {
        for (const track of stream.getTracks()) track.stop();
        return false;
      }
      this.#took(stream);
      this.error = isSilent ? "noMicrophone" : "";
    } catch (error) {
      if (opening !== this.opening) return false;
      this.isOpening = false;
      return this.#complain(troubleOf(error));
    }
    this.isOpening = false;
    await this.#showDevices();
    this.#show();
    return true;
  }

  turnOff() {
    this.opening += 1;
    this.isOpening = false;
    this.stop();
    this.#letGo();
    this.error = "";
    this.#show();
  }

  go() {
    if (this.stream === null || this.sender.isOn) return;
    this.error = "";
    this.sender.start(this.#media());
  }

  stop() {
    this.sender.stop();
  }

  // Another device, shape or quality: what is sent begins anew with it.
  async #changed() {
    remember(localStorage, this.choices);
    if (this.stream === null && !this.isOpening) return this.#show();
    const wasOn = this.sender.isOn;
    if (await this.turnOn()) {
      if (wasOn) this.sender.change(this.#media());
    } else if (wasOn && !this.isOpening) this.sender.stop();
  }

  #mute(isMuted) {
    this.isMuted = isMuted;
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !isMuted;
    this.#show();
  }

  // --- The devices ------------------------------------------------------------------------------

  get shape() {
    return this.choices.shape || "landscape";
  }

  #media() {
    return { stream: this.stream, format: this.format, quality: this.choices.quality };
  }

  #took(stream) {
    this.stream = stream;
    this.video.srcObject = stream;
    this.video.play().catch(() => {});
    const [track] = stream.getVideoTracks();
    this.root.toggleAttribute("data-mirrored", isFacingUser(track));
    for (const one of stream.getTracks()) {
      one.onended = () => stream === this.stream && this.#unplugged();
    }
    this.#mute(this.isMuted);
    this.stopLevel = watchLevel(stream, this.#part("level"));
  }

  #letGo() {
    const stream = this.stream;
    this.stream = null;
    this.stopLevel();
    this.stopLevel = () => {};
    for (const track of stream?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
  }

  // Pulled out, or its permission was taken back: goes on with what is left.
  async #unplugged() {
    const wasOn = this.sender.isOn;
    const isOn = await this.turnOn();
    if (isOn && wasOn) this.sender.change(this.#media());
    if (!isOn && wasOn && !this.isOpening) this.sender.stop();
    if (isOn && this.error === "") {
      this.error = "unplugged";
      this.#show();
    }
  }

  async #showDevices() {
    if (!navigator.mediaDevices?.enumerateDevices) return;
    const { cameras, microphones } = await list(navigator.mediaDevices);
    const used = (kind) =>
      this.stream?.getTracks().find((track) => track.kind === kind)?.getSettings().deviceId ?? "";
    this.#options("video", cameras, used("video") || this.choices.camera, "cameraN");
    this.#options("audio", microphones, used("audio") || this.choices.microphone, "microphoneN");
  }

  #options(name, devices, chosen, unnamed) {
    const select = this.#part(name);
    const options = devices.map(
      ({ id, label }, at) => new Option(label || this.#say(unnamed, { n: at + 1 }), id),
    );
    // Not while somebody has it open, unless something did change.
    const isSame =
      options.length === select.options.length &&
      options.every(
        (one, at) => one.value === select.options[at].value && one.text === select.options[at].text,
      );
    if (!isSame) select.replaceChildren(...options);
    if (devices.some((one) => one.id === chosen)) select.value = chosen;
    select.disabled = devices.length === 0;
  }

  // --- Sending ----------------------------------------------------------------------------------

  async #fetchAddress() {
    const token = document.querySelector("meta[name=csrf-token]")?.content ?? "";
    const response = await fetch(this.root.dataset.addressUrl, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token },
    });
    if (response.status >= 500) throw new Error(`status ${response.status}`);
    // A session that ended leads to the sign-in page.
    if (response.redirected) return { refused: { code: "sign_in", text: this.#say("signIn") } };
    const answer = await response.json();
    if (!response.ok) {
      return { refused: { code: answer.code ?? "", text: answer.title ?? this.#say("unknown") } };
    }
    return { url: answer.url, maxKbps: answer.max_kbps };
  }

  #heard(state) {
    this.state = state;
    if (state.name !== "sending") this.health = null;
    if (state.name === "refused" && state.text === "") {
      this.state = { ...state, text: this.#say("noSupport") };
    }
    this.awake.want(this.sender.isOn);
    this.#caption();
    this.#show();
    this.#emit("camera:state", { name: state.name, kbps: state.kbps, isSlow: state.isSlow });
  }

  // --- Captions ---------------------------------------------------------------------------------

  #caption() {
    const isWanted = this.#part("captions").checked && this.sender.name === "sending";
    const language = this.#part("captions-language").value;
    const key = isWanted ? language : "";
    if (key === this.captioned) return;
    this.captioned = key;
    this.captions?.stop();
    if (!isWanted) return;
    this.captions = new Captions({
      now: () => this.sender.serverNow(),
      onPhrase: ({ text, at }) => this.#emit("camera:caption", { text, lang: language, at }),
      onTrouble: () => {
        this.captioned = "";
        this.#part("captions").checked = false;
        this.#complain("noCaptions");
      },
    });
    this.captions.start(dialect(language, navigator.languages));
  }

  // --- What is seen -----------------------------------------------------------------------------

  #show() {
    const { name, text, isSlow } = this.state;
    const isOn = this.sender.isOn;
    const hasPicture = this.stream !== null;
    this.root.dataset.state = isOn ? name : hasPicture ? "preview" : "off";
    this.root.dataset.shape = this.#seenShape();
    const focused = document.activeElement;
    this.#toggle("on", !hasPicture && !isOn);
    this.#part("on").setAttribute("aria-busy", String(this.isOpening));
    this.#toggle("go", hasPicture && !isOn);
    this.#toggle("off", hasPicture && !isOn);
    this.#toggle("stop", isOn);
    this.#toggle("mute", hasPicture && this.stream.getAudioTracks().length > 0);
    this.#part("mute").setAttribute("aria-pressed", String(this.isMuted));
    this.#part("level-row").hidden = !hasPicture;
    this.#keepFocus(focused);
    this.#part("empty").hidden = hasPicture;
    this.#write("state", this.#stateText());
    this.#write("figures", isOn && this.health !== null ? this.#say("sends", this.health) : "");
    const refusal = ["refused", "reconnecting", "connecting"].includes(name) ? text : "";
    const complaint = this.error === "" ? refusal : this.#say(this.error);
    this.#write("error", complaint);
    this.#part("error").hidden = complaint === "";
    this.#write("slow", isOn && isSlow ? this.#say("slow") : "");
    this.#part("slow").hidden = !(isOn && isSlow);
  }

  #stateText() {
    const { name } = this.state;
    const isOnAir = this.root.dataset.onAir === "true";
    if (this.isOpening && !this.sender.isOn) return this.#say("opening");
    if (name === "sending") return this.#say(isOnAir ? "onAir" : "sending");
    if (this.sender.isOn) return this.#say(name);
    if (this.stream === null) return this.#say("off");
    return this.#say(name === "refused" ? "refused" : "preview");
  }

  #seenShape() {
    const { videoWidth, videoHeight } = this.video;
    if (this.stream !== null && videoWidth > 0) {
      return videoHeight > videoWidth ? "portrait" : "landscape";
    }
    return this.isHandheld ? "portrait" : this.shape;
  }

  // Who pressed a button that is gone now stands on the one that took its place.
  #keepFocus(focused) {
    if (!this.root.contains(focused) || !focused.matches("button[hidden]")) return;
    this.root.querySelector("[data-camera-buttons] button:not([hidden])")?.focus();
  }

  #complain(error) {
    this.error = error;
    this.#show();
    return false;
  }

  // --- Beginnings -------------------------------------------------------------------------------

  #fillIn() {
    this.#part("shape").value = this.shape;
    this.#part("quality").value = this.choices.quality;
    this.#part("shape-row").hidden = this.isHandheld;
    this.#part("captions-row").hidden = Recognition === undefined;
    const language = this.root.dataset.language || document.documentElement.lang;
    const languages = this.#part("captions-language");
    if ([...languages.options].some((one) => one.value === language)) languages.value = language;
    this.#part("body").hidden = false;
  }

  #listen() {
    this.#press("on", () => this.turnOn());
    this.#press("off", () => this.turnOff());
    this.#press("go", () => this.go());
    this.#press("stop", () => this.stop());
    this.#press("mute", () => this.#mute(!this.isMuted));
    const choices = { video: "camera", audio: "microphone", shape: "shape", quality: "quality" };
    for (const [part, name] of Object.entries(choices)) {
      this.#part(part).addEventListener("change", (event) => {
        this.choices[name] = event.target.value;
        this.#changed();
      });
    }
    for (const part of ["captions", "captions-language"]) {
      this.#part(part).addEventListener("change", () => this.#caption());
    }
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#showDevices());
    new MutationObserver(() => this.#show()).observe(this.root, { attributeFilter: ["data-on-air"] });
    let size = "";
    this.video.addEventListener("resize", () => {
      const { videoWidth, videoHeight } = this.video;
      const before = size;
      size = `${videoWidth}×${videoHeight}`;
      this.#show();
      // A phone was turned: a recorder can't go on with another size.
      const isSame = this.stream === this.sizedStream;
      this.sizedStream = this.stream;
      if (isSame && before !== size && this.sender.isOn) this.sender.change(this.#media());
    });
    addEventListener("online", () => this.sender.hurry());
  }

  #press(name, work) {
    this.#part(name).addEventListener("click", (event) => {
      if (!this.presses.isMeant(event.timeStamp)) return;
      if (event.currentTarget.getAttribute("aria-busy") !== "true") work();
    });
  }

  #part(name) {
    return this.root.querySelector(`[data-camera-${name}]`);
  }

  #toggle(name, isShown) {
    this.#part(name).hidden = !isShown;
  }

  #write(name, text) {
    const part = this.#part(name);
    if (part.textContent !== text) part.textContent = text;
  }

  #say(key, values = {}) {
    const text = this.texts[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  #emit(name, detail) {
    this.root.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

for (const root of document.querySelectorAll("[data-camera]")) new Camera(root);
