// @ts-check
// Moments in the reader's own time and language.

const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
for (const element of document.querySelectorAll("time[datetime]")) {
  const time = /** @type {HTMLTimeElement} */ (element);
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  time.title = time.textContent ?? "";
  time.textContent = format.format(at);
}
