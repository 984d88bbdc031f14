// The show's time in the creator's own zone: the form tells the server which one that is.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const field = document.querySelector("[data-zone]");
const time = document.querySelector("[data-zone-time]");
if (zone && field && time) {
  field.value = zone;
  const help = document.getElementById(`${time.id}_helptext`);
  if (time.dataset.utc) {
    const at = new Date(time.dataset.utc);
    time.value = new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }
  if (help) help.textContent = help.textContent.replace("UTC", zone.replaceAll("_", " "));
}
