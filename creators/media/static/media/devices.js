// Cameras and microphones: which there are, opening them, and why one can't be opened.

import { constraintsFor } from "./formats.js";

const STORE = "liveshop.camera";
const CHOICES = { camera: "", microphone: "", shape: "", quality: "720p" };

// What was chosen last time on this machine.
export function remembered(storage) {
  try {
    const found = JSON.parse(storage.getItem(STORE) ?? "{}");
    const choices = { ...CHOICES };
    for (const name of Object.keys(CHOICES)) {
      if (typeof found[name] === "string") choices[name] = found[name];
    }
    if (!["720p", "480p"].includes(choices.quality)) choices.quality = CHOICES.quality;
    if (!["landscape", "portrait"].includes(choices.shape)) choices.shape = "";
    return choices;
  } catch {
    return { ...CHOICES };
  }
}

export function remember(storage, choices) {
  try {
    storage.setItem(STORE, JSON.stringify(choices));
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

// Returns { cameras, microphones }, each [{ id, label }]; without permission browsers hide the names.
export async function list(mediaDevices) {
  const found = await mediaDevices.enumerateDevices();
  const of = (kind) =>
    found
      .filter((one) => one.kind === kind && one.deviceId !== "")
      .map((one) => ({ id: one.deviceId, label: one.label }));
  return { cameras: of("videoinput"), microphones: of("audioinput") };
}

// Names why a camera can't be opened; the page has words for each.
export function troubleOf(error) {
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "none";
    case "NotReadableError":
    case "AbortError":
      return "inUse";
    default:
      return "unknown";
  }
}

// Opens what was chosen, or what there is: a device that was unplugged since is not insisted on, and
// who has no microphone is seen without being heard. Returns { stream, isSilent }.
export async function open(mediaDevices, choices) {
  const tries = [
    [choices.camera, choices.microphone],
    [choices.camera, ""],
    ["", choices.microphone],
    ["", ""],
    [choices.camera, null],
    ["", null],
  ];
  let first;
  for (const [camera, microphone] of tries) {
    try {
      const wanted = constraintsFor({ ...choices, camera, microphone });
      return { stream: await mediaDevices.getUserMedia(wanted), isSilent: microphone === null };
    } catch (error) {
      first ??= error;
      if (troubleOf(error) !== "none") throw error;
    }
  }
  throw first;
}

// Whether the preview is shown as in a mirror: cameras that look at who holds them.
export function isFacingUser(track) {
  return track.getSettings().facingMode !== "environment";
}
