// A chat room of Socket.IO 4 with its Redis adapter, as its guides teach it.
//   node server.js PORT taught|batched
// "taught" emits each event to the room, "batched" what came within 50 ms in one emit.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const ROOM = "show";
const WINDOW_MS = 50;
const [port, mode] = process.argv.slice(2);

const url = new URL(process.env.REDIS_URL);
const options =
  url.protocol === "unix:" ? { socket: { path: decodeURIComponent(url.pathname) } } : { url: url.href };
const publishing = createClient(options);
const subscribed = publishing.duplicate();
await Promise.all([publishing.connect(), subscribed.connect()]);

const web = createServer((request, response) => response.end("here"));
const io = new Server(web, { adapter: createAdapter(publishing, subscribed) });

let waiting = [];
let isDue = false;
let latest = 0;

function emitWaiting() {
  isDue = false;
  latest = Date.now();
  const events = waiting;
  waiting = [];
  io.to(ROOM).emit("events", events);
}

const say = {
  taught: (event) => io.to(ROOM).emit("event", event),
  batched: (event) => {
    waiting.push(event);
    if (isDue) return;
    isDue = true;
    setTimeout(emitWaiting, Math.max(0, latest + WINDOW_MS - Date.now()));
  },
}[mode];

io.on("connection", (socket) => {
  // The publisher is nobody's viewer.
  if (!socket.handshake.query.publisher) socket.join(ROOM);
  socket.on("say", say);
});

web.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });

// Whoever started this may be gone without a word.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 1000);
