// The smallest app over the client: it shows what the device holds, reports what is pressed, and works without network.
// Serve it from the same origin as the API, or say where that is: index.html?api=https://…
import { DeviceSession, IndexedDbStorage, OfflineClient } from "../dist/index.js";

const BUTTONS = {
  "visit.accept": ["Accept"],
  "visit.depart": ["Depart"],
  "visit.arrive": ["Arrive"],
  "visit.start": ["Start"],
  "visit.pause": ["Pause", { reason: "break" }],
  "visit.resume": ["Resume"],
  "visit.complete": ["Complete", { resolution: "repaired" }],
};
const ANSWERS = { yes_no: [["Yes", true], ["No", false]] };
/** What an issue says, by the key of its text; a real app has one for each key, in each of its languages. */
const TOLD = {
  reassigned: ({ action, other }) => `Your "${action}" is recorded, but the job had been given to ${other}.`,
  already_done_by_other: ({ action, other }) => `Your "${action}" is recorded, but ${other} had done the job already.`,
  completed_after_reassign: () => "You completed a job that had been given to somebody else. It is yours again.",
};
const SAID = {
  syncing: "Syncing …",
  synced: "Online",
  offline: "Offline",
  signed_out: "Please sign in again",
  revoked: "This device was taken out of use",
  update_required: "Please update the app",
  refused: "The server has a problem",
};

const $ = (selector, within = document) => within.querySelector(selector);
const baseUrl = new URLSearchParams(location.search).get("api") ?? location.origin;
const storage = await IndexedDbStorage.open("firstfix-example");
const session = new DeviceSession(baseUrl, storage);
const kept = await session.kept();
const client = new OfflineClient({
  baseUrl,
  storage,
  token: () => session.token(),
  refresh: () => session.refresh(),
  limits: kept?.limits ?? {},
});

function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...properties });
}

function button(text, onclick) {
  return make("button", text, { type: "button", onclick });
}

function badge({ waiting, attention, locked }, files) {
  if (attention.length > 0) return "needs attention";
  if (waiting.length > 0) return `waiting ⏳ ${waiting.length}`;
  if (files.length > 0) return `uploading ⏳ ${files.length}`;
  return locked ? "leaving" : "sent ✓";
}

function newCard(id) {
  const card = $("#job").content.firstElementChild.cloneNode(true);
  card.dataset.id = id;
  $(".note", card).onsubmit = async (event) => {
    event.preventDefault();
    const text = $("textarea", card).value;
    $("textarea", card).value = "";
    await client.enqueue("note.add", id, { text });
  };
  $(".photo", card).onchange = async ({ target }) => {
    if (target.files[0]) await client.attach(id, target.files[0], "photo");
    target.value = "";
  };
  return card;
}

function fill(card, view, files) {
  const { doc } = view;
  $("h2", card).textContent = `${doc.no} ${doc.summary}`;
  $(".status", card).textContent = doc.status.replaceAll("_", " ");
  $(".sent", card).textContent = badge(view, files);
  const where = [doc.site?.name, doc.site?.address].filter(Boolean).join(", ");
  const { role, state } = doc.assignment ?? {};
  $(".mine", card).hidden = role !== "member";
  $(".mine", card).textContent = `you: ${String(state).replaceAll("_", " ")}`;
  $(".where", card).textContent = view.locked ? "No longer yours." : where;
  const possible = view.locked ? [] : Object.keys(BUTTONS).filter((type) => doc.allowed?.includes(type));
  $(".actions", card).replaceChildren(
    ...possible.map((type) => button(BUTTONS[type][0], () => client.enqueue(type, view.id, BUTTONS[type][1]))),
  );
  $(".tasks", card).replaceChildren(...(doc.tasks ?? []).map((task) => asking(view.id, task)));
  $(".note", card).hidden = view.locked;
  $(".photo", card).parentElement.hidden = view.locked;
  const notes = (doc.notes ?? []).map((note) => make("li", note.waiting ? `${note.text} ⏳` : note.text));
  $(".notes", card).replaceChildren(...notes);
}

function asking(visitId, { id, label, kind, done, value, waiting }) {
  const said = { true: "yes", false: "no", null: "done" }[value] ?? value;
  const item = make("li", `${label} `);
  item.append(make("strong", `${done ? said : "–"}${waiting ? " ⏳" : ""}`));
  const row = item.appendChild(make("div", "", { className: "row" }));
  for (const [text, answer] of ANSWERS[kind] ?? [["Done", null]]) {
    const choose = button(text, () => client.enqueue("task.set", visitId, { task_id: id, done: true, value: answer }));
    choose.setAttribute("aria-label", `${text}: ${label}`);
    choose.setAttribute("aria-pressed", String(done && value === answer));
    row.append(choose);
  }
  return item;
}

function troubled({ op, result }) {
  const item = make("li", `${op.type}: ${result.detail ?? result.code ?? result.status} `);
  const row = item.appendChild(make("div", "", { className: "row" }));
  if (typeof op.args?.text === "string") {
    const text = make("textarea", op.args.text, { rows: 2 });
    text.setAttribute("aria-label", "Text");
    const again = () => client.resend(op.op_id, { ...op.args, text: text.value });
    row.append(text, button("Edit and send again", again));
  } else {
    row.append(button("Send again", () => client.resend(op.op_id)));
  }
  row.append(button("Let it go", () => client.dismiss(op.op_id)));
  return item;
}

function asked({ id, severity, code, text, target, choices }) {
  const told = TOLD[text.key]?.(text.params) ?? code.replaceAll("_", " ");
  const item = make("li", `${severity}: ${told}`);
  const answer = (choice) => client.enqueue("issue.resolve", target, { issue_id: id, choice });
  const buttons = (choices ?? []).map((choice) => button(choice.replaceAll("_", " "), () => answer(choice)));
  item.appendChild(make("div", "", { className: "row" })).append(...buttons);
  return item;
}

async function show() {
  const [views, issues, attention] = [await client.jobs(), await client.issues(), await client.attention()];
  const files = await client.files();
  const cards = new Map([...$("#jobs").children].map((card) => [card.dataset.id, card]));
  const shown = views.map((view) => {
    const card = cards.get(view.id) ?? newCard(view.id);
    fill(card, view, files.filter((file) => file.visit === view.id));
    return card;
  });
  // A card that stays keeps its place in the page, and with it what is being typed.
  for (const [id, card] of cards) if (!views.some((view) => view.id === id)) card.remove();
  shown.forEach((card, at) => {
    if ($("#jobs").children[at] !== card) $("#jobs").insertBefore(card, $("#jobs").children[at] ?? null);
  });
  $("#no-jobs").hidden = views.length > 0;
  $("#issues").replaceChildren(...issues.map(asked));
  if (!$("#attention textarea:focus")) $("#attention").replaceChildren(...attention.map(troubled));
}

/** What is good to know and needs no answer; the last of it is at the end. */
function tell(text) {
  $("#notice").append(make("p", text));
  if ($("#notice").children.length > 10) $("#notice").firstElementChild.remove();
}

let showing = Promise.resolve();
client.on("change", () => (showing = showing.then(show, show)));
client.on("removed", ({ kind, reason }) => {
  if (kind !== "job" || reason === "reconcile") return;
  tell(`A job left: ${reason.replaceAll("_", " ")}.`);
});
client.on("result", ({ status, code }) => {
  if (status === "noted") tell(`Recorded, but the job had changed: ${code.replaceAll("_", " ")}.`);
  if (status === "quarantined") tell("Received, being checked.");
});
client.on("status", ({ state }) => {
  if (state !== "syncing") $("#connection").textContent = SAID[state];
  document.body.dataset.state = state;
  if (state === "signed_out") $("#sign-in").hidden = false;
});
addEventListener("offline", () => ($("#connection").textContent = SAID.offline));

async function work() {
  $("#sign-in").hidden = true;
  $("#work").hidden = false;
  await show();
  client.start();
}

$("#sign-in").onsubmit = async (event) => {
  event.preventDefault();
  const { username, password } = Object.fromEntries(new FormData(event.target));
  const device_id = (localStorage.deviceId ??= crypto.randomUUID());
  try {
    await session.signIn(username, password, { device_id, platform: "web", app_version: "1.0.0" });
  } catch (error) {
    $("#sign-in [role=alert]").textContent = error.message;
    return;
  }
  event.target.reset();
  await client.signedIn();
  await work();
};
$("#sync").onclick = async ({ currentTarget }) => {
  currentTarget.ariaBusy = "true";
  await client.sync();
  currentTarget.ariaBusy = null;
};
$("#sign-out").onclick = async () => {
  client.stop();
  await session.signOut();
  $("#work").hidden = true;
  $("#sign-in").hidden = false;
};

if (kept) {
  await work();
} else {
  $("#connection").textContent = "Not signed in";
  $("#sign-in").hidden = false;
}
