// Publishes order events, one JSON object a line on standard input, with an AMQP 1.0 client: each to its order's partition,
// confirmed. It ends with 1, and says which ones, where some are not confirmed: send those again, with the same ids.
//
//     AMQP_URL=amqp://guest:guest@localhost:5672/%2f PARTITIONS=8 node publish.js < events.jsonl

import readline from "node:readline";
import rhea from "rhea";
import { partitionOf } from "./partition.js";

const url = new URL(process.env.AMQP_URL);
const partitions = Number(process.env.PARTITIONS ?? 8);
const superStream = process.env.SUPER_STREAM ?? "orders";

const waiting = new Map(); // partition -> messages to send, an order's in order
for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line.trim() === "") continue;
  const event = JSON.parse(line);
  const partition = partitionOf(event.subject, partitions);
  if (!waiting.has(partition)) waiting.set(partition, []);
  waiting.get(partition).push({
    message_id: event.id,
    content_type: "application/cloudevents+json",
    message_annotations: { "x-stream-filter-value": event.type },
    body: rhea.message.data_section(Buffer.from(line)),
  });
}

const unconfirmed = new Set([...waiting.values()].flat());
if (unconfirmed.size === 0) process.exit(0);
const sent = new Map(); // delivery -> its message

const client = rhea.create_container();
client.on("sendable", ({ sender }) => {
  const messages = sender.messages;
  while (messages.length > 0 && sender.sendable()) {
    const message = messages.shift();
    sent.set(sender.send(message), message);
  }
});
client.on("accepted", ({ delivery, connection }) => { // the broker has stored it
  unconfirmed.delete(sent.get(delivery));
  sent.delete(delivery);
  if (unconfirmed.size === 0) connection.close();
});
for (const failure of ["rejected", "released", "sender_error", "session_error", "connection_error", "disconnected"]) {
  client.on(failure, ({ delivery, sender, session, connection, error }) => {
    if (unconfirmed.size === 0) return; // it is over
    const why = delivery?.remote_state?.error ?? sender?.error ?? session?.error ?? connection?.error ?? error;
    console.error(`${why?.description ?? why?.message ?? failure}; unconfirmed:`);
    for (const { message_id } of unconfirmed) console.error(message_id);
    process.exit(1);
  });
}

const connection = client.connect({
  host: url.hostname,
  port: Number(url.port || 5672),
  username: decodeURIComponent(url.username),
  password: decodeURIComponent(url.password),
  hostname: `vhost:${decodeURIComponent(url.pathname.slice(1))}`,
  reconnect: false,
});
for (const [partition, messages] of waiting) {
  const stream = encodeURIComponent(`${superStream}-${partition}`);
  connection.open_sender({ target: { address: `/queues/${stream}` } }).messages = messages;
}
